package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"signpost/cmd/signpost/config"
)

// WatchAccounts shows when each account's credentials end; 0 where that is not known.
func (m *Metrics) WatchAccounts(a config.Accounts, cfg config.Config) {
	unix := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return float64(t.Unix())
	}
	for id, source := range a {
		gauge := func(what string, value func() float64) {
			m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name:        "signpost_oauth_ends_timestamp_seconds",
				Help:        "When a credential of an account ends, 0 where it is not known.",
				ConstLabels: prometheus.Labels{"account": id, "what": what},
			}, value))
		}
		gauge("access_token", func() float64 { return unix(source.Status().Until) })
		gauge("refresh_token", func() float64 { return unix(source.Status().RefreshUntil) })
		gauge("client_secret", func() float64 {
			ends, _ := cfg.OAuth[id].SecretEnds()
			return unix(ends)
		})
	}
}
