package queue

// An EndpointState says how a [Queue] treats an endpoint at the moment.
type EndpointState string

// The states of an endpoint.
const (
	Healthy   EndpointState = "healthy"   // messages flow
	Throttled EndpointState = "throttled" // the receiver asked to wait, by 429 or Retry-After
	Resting   EndpointState = "resting"   // it failed repeatedly: probed from time to time
	Stopped   EndpointState = "disabled"  // nothing is sent any more; see [Queue.Enable]
)
