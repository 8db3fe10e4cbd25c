package metrics

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"signpost/store"
)

// Store is what is asked of the store whenever Prometheus asks.
type Store interface {
	Stats(ctx context.Context) (store.Stats, error)
	Responder(ctx context.Context, now time.Time) (store.Responder, error)
}

// WatchStore shows the store's own counts.
func (m *Metrics) WatchStore(s Store, log *slog.Logger) {
	m.registry.MustRegister(storeCollector{s, log})
}

// storeCollector reads the store's own counts whenever Prometheus asks, so that
// they are right from the first moment and after a crash.
type storeCollector struct {
	store Store
	log   *slog.Logger
}

var (
	ticketsDesc = prometheus.NewDesc("signpost_tickets_total", "Tickets opened, by region.", []string{"region"}, nil)
	outboxDesc  = prometheus.NewDesc("signpost_outbox_mails", "Mails of the outbox, by state.", []string{"state"}, nil)
	fatesDesc   = prometheus.NewDesc("signpost_outbox_fates", "Mails that came back or were reported on, by what "+
		"became of them.", []string{"fate"}, nil)
	oldestDesc = prometheus.NewDesc("signpost_outbox_oldest_seconds",
		"Age of the mail that waits longest; 0 when none waits.", nil, nil)
	rawsDesc     = prometheus.NewDesc("signpost_inbound_raw_bytes", "What the raw mails of the ledger take.", nil, nil)
	inboundDesc  = prometheus.NewDesc("signpost_inbound_mails", "Mails of the ledger, by state.", []string{"state"}, nil)
	verdictsDesc = prometheus.NewDesc("signpost_verdicts_total", "Mails decided, by kind.", []string{"kind"}, nil)
	rulesDesc    = prometheus.NewDesc("signpost_verdict_rules_total", "Mails decided, by rule that fired.",
		[]string{"rule"}, nil)
	responderDesc = prometheus.NewDesc("signpost_responder_on", "1 while automatic answers are on.", nil, nil)
	breakerDesc   = prometheus.NewDesc("signpost_breaker_open", "1 while the breaker stops automatic answers.", nil, nil)
)

// Describe names the metrics.
func (c storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		ticketsDesc, outboxDesc, fatesDesc, oldestDesc, rawsDesc, inboundDesc, verdictsDesc, rulesDesc, responderDesc,
		breakerDesc,
	} {
		ch <- d
	}
}

// Collect reads them.
func (c storeCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stats, err := c.store.Stats(ctx)
	if err != nil {
		c.log.Error("metrics: the store's counts cannot be read", "error", err)
		return
	}
	counts(ch, ticketsDesc, prometheus.CounterValue, stats.Tickets)
	counts(ch, outboxDesc, prometheus.GaugeValue, stats.Outbounds)
	counts(ch, fatesDesc, prometheus.GaugeValue, stats.Fates)
	counts(ch, inboundDesc, prometheus.GaugeValue, stats.Inbounds)
	counts(ch, verdictsDesc, prometheus.CounterValue, stats.Verdicts)
	counts(ch, rulesDesc, prometheus.CounterValue, stats.Rules)
	ch <- prometheus.MustNewConstMetric(rawsDesc, prometheus.GaugeValue, float64(stats.RawBytes))
	oldest := 0.0
	if !stats.OldestQueued.IsZero() {
		oldest = time.Since(stats.OldestQueued).Seconds()
	}
	ch <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, oldest)
	responder, err := c.store.Responder(ctx, time.Now())
	if err != nil {
		c.log.Error("metrics: the responder's state cannot be read", "error", err)
		return
	}
	ch <- prometheus.MustNewConstMetric(responderDesc, prometheus.GaugeValue, one(responder.On))
	ch <- prometheus.MustNewConstMetric(breakerDesc, prometheus.GaugeValue, one(responder.Tripped))
}

func counts[K ~string](ch chan<- prometheus.Metric, desc *prometheus.Desc, kind prometheus.ValueType, by map[K]uint64) {
	for key, n := range by {
		ch <- prometheus.MustNewConstMetric(desc, kind, float64(n), string(key))
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
