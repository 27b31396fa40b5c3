package otelhook_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A seen has what a hook has told.
type seen struct {
	*otelhook.Hook
	spans  *tracetest.SpanRecorder
	tracer trace.Tracer // of the service around it
	reader *sdkmetric.ManualReader
}

func newHook(t testing.TB, c otelhook.Config) seen {
	spans, reader := tracetest.NewSpanRecorder(), sdkmetric.NewManualReader()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	c.TracerProvider = provider
	c.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	hook, err := otelhook.New(c)
	require.NoError(t, err)
	return seen{hook, spans, provider.Tracer("service"), reader}
}

// named returns the spans that have ended, of that name.
func (s seen) named(name string) (spans []sdktrace.ReadOnlySpan) {
	for _, span := range s.spans.Ended() {
		if span.Name() == name {
			spans = append(spans, span)
		}
	}
	return spans
}

// attributes returns those of a span.
func attributes(span sdktrace.ReadOnlySpan) map[string]any {
	all := make(map[string]any)
	for _, a := range span.Attributes() {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

// collect returns what all instruments show: by name and attributes, in the form that
// labels has.
func (s seen) collect(t testing.TB) map[string]float64 { return s.collectIn(t.Context(), t) }

func (s seen) collectIn(ctx context.Context, t testing.TB) map[string]float64 {
	var got metricdata.ResourceMetrics
	require.NoError(t, s.reader.Collect(ctx, &got))
	values := make(map[string]float64)
	put := func(name string, set attribute.Set, value float64) {
		values[name+"{"+set.Encoded(attribute.DefaultEncoder())+"}"] = value
	}
	for _, scope := range got.ScopeMetrics {
		require.Equal(t, "github.com/ringhook/webhook/otelhook", scope.Scope.Name)
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				require.True(t, data.IsMonotonic)
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				require.Equal(t, "s", m.Unit)
				for _, p := range data.DataPoints {
					put(m.Name, p.Attributes, float64(p.Count))
				}
			default:
				require.Failf(t, "another kind", "%s: %T", m.Name, data)
			}
		}
	}
	return values
}

func message(url string) *webhook.Message {
	return &webhook.Message{
		ID: "m_1", WebhookID: "wh_1", Event: "order:paid", Method: http.MethodPost, URL: url, Body: []byte(`{}`),
	}
}

// A sink is a Sender that keeps what it is given.
type sink struct {
	mu   sync.Mutex
	got  []*webhook.Message
	ctxs []context.Context
	err  error
}

func (s *sink) Send(ctx context.Context, m *webhook.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.ctxs = append(s.got, m), append(s.ctxs, ctx)
	return s.err
}
