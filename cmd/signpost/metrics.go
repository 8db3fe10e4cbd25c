package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/store"
)

// metrics are what Prometheus reads. No label ever holds an address.
type metrics struct {
	registry    *prometheus.Registry
	commit      prometheus.Histogram
	commitVerbs prometheus.Histogram
	attempts    *prometheus.CounterVec
	attempt     prometheus.Histogram
	cycles      *prometheus.CounterVec
	lastCycle   *prometheus.GaugeVec
	lag         prometheus.Histogram
	alarms      *prometheus.GaugeVec
	notices     *prometheus.CounterVec
	recent      recent // commits
	canaryRuns  *prometheus.CounterVec
	canaryTook  *prometheus.GaugeVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signpost_commit_seconds", Help: "How long one commit of the store took.",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 14),
		}),
		commitVerbs: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signpost_commit_verbs", Help: "How many verbs shared one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signpost_outbox_attempts_total", Help: "Tries to hand a mail to the relay, by outcome.",
		}, []string{"outcome"}),
		attempt: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signpost_outbox_attempt_seconds", Help: "How long one try took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}),
		cycles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "signpost_watch_cycles_total", Help: "Watcher cycles, by mailbox and result.",
		}, []string{"mailbox", "result"}),
		lastCycle: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "signpost_watch_last_success_timestamp_seconds", Help: "When the watcher last completed a cycle.",
		}, []string{"mailbox"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "signpost_watch_handling_seconds", Help: "From the notice of a mail to its verdict in the store.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}),
	}
	m.alarms = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signpost_alarm", Help: "1 for each alarm that stands.",
	}, []string{"alarm"})
	m.notices = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signpost_alarm_notices_total", Help: "Posts to the alarm webhook, by result.",
	}, []string{"result"})
	m.canaryRuns = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "signpost_canary_runs_total", Help: "Runs of the canary, by region and result.",
	}, []string{"region", "result"})
	m.canaryTook = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "signpost_canary_seconds", Help: "How long a mail of the canary's last run took to arrive.",
	}, []string{"region", "mail"})
	m.registry.MustRegister(m.canaryRuns, m.canaryTook, m.commit, m.commitVerbs, m.attempts, m.attempt, m.cycles, m.lastCycle, m.lag, m.alarms, m.notices,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler serves the metrics.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// observeCommit is the store's hook.
func (m *metrics) observeCommit(verbs int, took time.Duration) {
	m.commit.Observe(took.Seconds())
	m.recent.add(took)
	m.commitVerbs.Observe(float64(verbs))
}

// alarmsStanding tells which alarms stand now.
func (m *metrics) alarmsStanding(ids []string) {
	m.alarms.Reset()
	for _, id := range ids {
		m.alarms.WithLabelValues(id).Set(1)
	}
}

// flew counts one run of the canary.
func (m *metrics) flew(r store.CanaryRun) {
	result := "passed"
	if !r.Passed() {
		result = "failed"
	}
	m.canaryRuns.WithLabelValues(r.Region, result).Inc()
	for mail, leg := range map[string]store.CanaryLeg{"stray": r.Seen, "answer": r.Answer, "confirmation": r.Confirmation} {
		if leg.Count > 0 {
			m.canaryTook.WithLabelValues(r.Region, mail).Set(leg.ArrivedAt.Sub(r.StartedAt).Seconds())
		}
	}
}

// noticed counts one post to the webhook.
func (m *metrics) noticed(result string) { m.notices.WithLabelValues(result).Inc() }

// watchHolds counts the holds that stand whenever Prometheus asks: mail that the relay
// refuses for a reason of ours, of one domain each or of all.
func (m *metrics) watchHolds(holds func() []outbox.HoldStatus) {
	for scope, all := range map[string]bool{"all": true, "domain": false} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "signpost_outbox_holds", Help: "Holds that stand: mail the relay refuses for a reason of ours, by what it is.",
			ConstLabels: prometheus.Labels{"scope": scope},
		}, func() float64 {
			n := 0
			for _, h := range holds() {
				if (h.Domain == "") == all {
					n++
				}
			}
			return float64(n)
		}))
	}
}

// senderObserver is the sender's hook.
func (m *metrics) senderObserver() outbox.Observer {
	return outbox.Observer{Attempt: func(a outbox.Attempt) {
		m.attempts.WithLabelValues(string(a.Outcome)).Inc()
		m.attempt.Observe(a.Took.Seconds())
	}}
}

// watchObserver is the watchers' hook.
func (m *metrics) watchObserver() watch.Observer {
	return watch.Observer{
		Cycle: func(mailbox string, _ time.Duration, err error) {
			if err != nil {
				m.cycles.WithLabelValues(mailbox, "failed").Inc()
				return
			}
			m.cycles.WithLabelValues(mailbox, "done").Inc()
			m.lastCycle.WithLabelValues(mailbox).SetToCurrentTime()
		},
		Decided: func(_ store.Inbound, lag time.Duration) { m.lag.Observe(lag.Seconds()) },
	}
}

// storeCollector reads the store's own counts whenever Prometheus asks, so that
// they are right from the first moment and after a crash.
type storeCollector struct {
	store store.Store
	log   *slog.Logger
}

var (
	ticketsDesc   = prometheus.NewDesc("signpost_tickets_total", "Tickets opened, by region.", []string{"region"}, nil)
	outboxDesc    = prometheus.NewDesc("signpost_outbox_mails", "Mails of the outbox, by state.", []string{"state"}, nil)
	fatesDesc     = prometheus.NewDesc("signpost_outbox_fates", "Mails that came back or were reported on, by what became of them.", []string{"fate"}, nil)
	oldestDesc    = prometheus.NewDesc("signpost_outbox_oldest_seconds", "Age of the mail that waits longest; 0 when none waits.", nil, nil)
	rawsDesc      = prometheus.NewDesc("signpost_inbound_raw_bytes", "What the raw mails of the ledger take.", nil, nil)
	inboundDesc   = prometheus.NewDesc("signpost_inbound_mails", "Mails of the ledger, by state.", []string{"state"}, nil)
	verdictsDesc  = prometheus.NewDesc("signpost_verdicts_total", "Mails decided, by kind.", []string{"kind"}, nil)
	rulesDesc     = prometheus.NewDesc("signpost_verdict_rules_total", "Mails decided, by rule that fired.", []string{"rule"}, nil)
	responderDesc = prometheus.NewDesc("signpost_responder_on", "1 while automatic answers are on.", nil, nil)
	breakerDesc   = prometheus.NewDesc("signpost_breaker_open", "1 while the breaker stops automatic answers.", nil, nil)
)

// Describe names the metrics.
func (c storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ticketsDesc, outboxDesc, fatesDesc, oldestDesc, rawsDesc, inboundDesc, verdictsDesc, rulesDesc, responderDesc, breakerDesc} {
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
