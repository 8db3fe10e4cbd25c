package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"signpost/mail/outbox"
	"signpost/mail/watch"
	"signpost/store"
)

// Metrics are what Prometheus reads. No label ever holds an address.
type Metrics struct {
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

// New makes them; nothing is watched yet.
func New() *Metrics {
	m := &Metrics{
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
	m.registry.MustRegister(m.canaryRuns, m.canaryTook, m.commit, m.commitVerbs, m.attempts, m.attempt, m.cycles,
		m.lastCycle, m.lag, m.alarms, m.notices,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// ObserveCommit is the store's hook.
func (m *Metrics) ObserveCommit(verbs int, took time.Duration) {
	m.commit.Observe(took.Seconds())
	m.recent.add(took)
	m.commitVerbs.Observe(float64(verbs))
}

// AlarmsStanding tells which alarms stand now.
func (m *Metrics) AlarmsStanding(ids []string) {
	m.alarms.Reset()
	for _, id := range ids {
		m.alarms.WithLabelValues(id).Set(1)
	}
}

// CanaryRan counts one run of the canary.
func (m *Metrics) CanaryRan(r store.CanaryRun) {
	result := "passed"
	if !r.Passed() {
		result = "failed"
	}
	m.canaryRuns.WithLabelValues(r.Region, result).Inc()
	legs := map[string]store.CanaryLeg{"stray": r.Seen, "answer": r.Answer, "confirmation": r.Confirmation}
	for mail, leg := range legs {
		if leg.Count > 0 {
			m.canaryTook.WithLabelValues(r.Region, mail).Set(leg.ArrivedAt.Sub(r.StartedAt).Seconds())
		}
	}
}

// Noticed counts one post to the webhook.
func (m *Metrics) Noticed(result string) { m.notices.WithLabelValues(result).Inc() }

// WatchHolds counts the holds that stand whenever Prometheus asks: mail that the relay
// refuses for a reason of ours, of one domain each or of all.
func (m *Metrics) WatchHolds(holds func() []outbox.HoldStatus) {
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

// SenderObserver is the sender's hook.
func (m *Metrics) SenderObserver() outbox.Observer {
	return outbox.Observer{Attempt: func(a outbox.Attempt) {
		m.attempts.WithLabelValues(string(a.Outcome)).Inc()
		m.attempt.Observe(a.Took.Seconds())
	}}
}

// WatchObserver is the watchers' hook.
func (m *Metrics) WatchObserver() watch.Observer {
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
