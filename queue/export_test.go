package queue

// Delivered is that of Stats.
func (q *Queue) Delivered() uint64 { return q.delivered.Load() }
