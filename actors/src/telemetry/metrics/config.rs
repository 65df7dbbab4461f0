//! Metrics of the configuration: what was applied, when, and how it stands. There is one of these, not one a worker.

use std::sync::Arc;
use std::time::Duration;

use prometheus::proto::MetricFamily;
use prometheus::{Histogram, IntCounter, IntGauge};

use super::family::{Family, Moment, collect, counter, gauge, histogram, label_set, moment};
use super::known::Known;
use super::labels::{GatewayLabel, KindLabel};
use crate::plan::{Backend, BackendId, Expiries, Plan};
use crate::telemetry::PolicyCondition;

const PROPAGATION: (&str, &str) =
    ("postern_config_propagation_seconds", "Time from the change of an object to its being applied by every worker.");
const APPLIES: (&str, &str) = ("postern_config_applies_total", "Configurations, by what became of them.");
const LAST_SUCCESS: (&str, &str) =
    ("postern_config_last_success_timestamp_seconds", "When a configuration was last applied by every worker.");
const IN_SYNC: (&str, &str) =
    ("postern_config_in_sync", "1 if every worker serves the newest configuration of the Gateway, else 0.");
const CONDITION: (&str, &str) = ("postern_policy_condition", "1 for the status that a policy's condition has, else 0.");
const CA_NOT_AFTER: (&str, &str) = (
    "postern_backend_ca_certificate_not_after_timestamp_seconds",
    "When the first certificate of a policy's CA reference expires.",
);
const CLIENT_NOT_AFTER: (&str, &str) = (
    "postern_backend_client_certificate_not_after_timestamp_seconds",
    "When the certificate expires that a Gateway presents to its backends.",
);
const LISTENER_NOT_AFTER: (&str, &str) = (
    "postern_listener_certificate_not_after_timestamp_seconds",
    "When a certificate expires that a Gateway's listeners present.",
);
const POLICY: (&str, &str) =
    ("postern_upstream_tls_policy_info", "1, with the policy by which TLS is originated to a backend, or refused.");
const NEAR_MISS: (&str, &str) = (
    "postern_upstream_tls_policy_near_miss_info",
    "1, with a policy that selects nothing and was probably meant for a backend, to which there is no TLS.",
);
const BUILD: (&str, &str) = ("postern_build_info", "1, with the version that runs.");
const DROPPED: (&str, &str) =
    ("postern_access_log_dropped_total", "Lines of the access log that were dropped since nobody took them in time.");

/// Seconds.
const BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

#[derive(Debug, PartialEq, Eq, Hash)]
struct ResultLabel {
    result: &'static str,
}
label_set!(ResultLabel { "result": result });

#[derive(Debug, PartialEq, Eq, Hash)]
struct ConditionLabels {
    kind: &'static str,
    policy: Arc<str>,
    condition: &'static str,
    status: &'static str,
}
label_set!(ConditionLabels { "kind": kind, "policy": policy, "type": condition, "status": status });

#[derive(Debug, PartialEq, Eq, Hash)]
struct AuthorityLabels {
    policy: Arc<str>,
    reference: Arc<str>,
}
label_set!(AuthorityLabels { "policy": policy, "ref": reference });

#[derive(Debug, PartialEq, Eq, Hash)]
struct CertificateLabels {
    gateway: Arc<str>,
    reference: Arc<str>,
}
label_set!(CertificateLabels { "gateway": gateway, "ref": reference });

#[derive(Debug, PartialEq, Eq, Hash)]
struct PolicyLabels {
    backend: BackendId,
    policy: Arc<str>,
}
label_set!(PolicyLabels {
    "gateway": backend.gateway,
    "backend": backend.backend,
    "port": backend.port,
    "policy": policy,
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct BuildLabels {
    version: &'static str,
    revision: &'static str,
}
label_set!(BuildLabels { "version": version, "revision": revision });

/// The configuration's metrics.
#[derive(Debug)]
pub(in crate::telemetry) struct ConfigMetrics {
    propagation: Family<KindLabel, Histogram>,
    applies: Family<ResultLabel, IntCounter>,
    last_success: Family<(), Moment>,
    in_sync: Family<GatewayLabel, IntGauge>,
    conditions: Family<ConditionLabels, IntGauge>,
    authorities: Family<AuthorityLabels, Moment>,
    clients: Family<CertificateLabels, Moment>,
    policies: Family<PolicyLabels, IntGauge>,
    near_misses: Family<PolicyLabels, IntGauge>,
    listeners: Family<CertificateLabels, Moment>,
    build: Family<BuildLabels, IntGauge>,
    dropped: Family<(), IntCounter>,
}

impl ConfigMetrics {
    pub(in crate::telemetry) fn new(version: &'static str, revision: &'static str) -> Self {
        let metrics = Self {
            propagation: Family::new(|| histogram(BUCKETS)),
            applies: Family::new(counter),
            last_success: Family::new(moment),
            in_sync: Family::new(gauge),
            conditions: Family::new(gauge),
            authorities: Family::new(moment),
            clients: Family::new(moment),
            policies: Family::new(gauge),
            near_misses: Family::new(gauge),
            listeners: Family::new(moment),
            build: Family::new(gauge),
            dropped: Family::new(counter),
        };
        metrics.build.series(BuildLabels { version, revision }).set(1);
        for result in ["success", "failure"] {
            metrics.applies.series(ResultLabel { result });
        }
        metrics.dropped.series(());
        metrics
    }

    pub(in crate::telemetry) fn applied(&self, succeeded: bool, now: f64) {
        self.applies.series(ResultLabel { result: if succeeded { "success" } else { "failure" } }).inc();
        if succeeded {
            self.last_success.series(()).set(now);
        }
    }

    pub(in crate::telemetry) fn propagated(&self, kind: &'static str, time: Duration) {
        self.propagation.series(KindLabel { kind }).observe(time.as_secs_f64());
    }

    pub(in crate::telemetry) fn in_sync(&self, gateway: &str, in_sync: bool) {
        self.in_sync.series(GatewayLabel { gateway: gateway.into() }).set(in_sync.into());
    }

    /// When a configuration was last applied by every worker, in seconds since the Unix epoch.
    pub(in crate::telemetry) fn last_success(&self) -> Option<f64> {
        self.last_success.get(&()).map(|moment| moment.get())
    }

    /// What was told of a Gateway last.
    pub(in crate::telemetry) fn is_in_sync(&self, gateway: &str) -> Option<bool> {
        self.in_sync.get(&GatewayLabel { gateway: gateway.into() }).map(|gauge| gauge.get() == 1)
    }

    pub(in crate::telemetry) fn conditions<'a>(&self, conditions: impl IntoIterator<Item = PolicyCondition<'a>>) {
        let series = conditions.into_iter().flat_map(|PolicyCondition { kind, policy, condition, status }| {
            let policy: Arc<str> = policy.into();
            [("true", status), ("false", !status)].map(|(word, value)| {
                let policy = policy.clone();
                (ConditionLabels { kind, policy, condition, status: word }, value)
            })
        });
        self.conditions.replace(series, |gauge, value| gauge.set(value.into()));
    }

    /// The policy of each backend that has one, and the one that nearly selects it.
    pub(in crate::telemetry) fn policies(&self, plan: &Plan) {
        let backends = || plan.backends.values();
        let labels =
            |backend: &Backend, policy: &Arc<str>| PolicyLabels { backend: backend.id.clone(), policy: policy.clone() };
        let selecting = backends().filter_map(|backend| Some((labels(backend, backend.tls.policy()?), 1)));
        self.policies.replace(selecting, IntGauge::set);
        let missing = backends().filter_map(|backend| Some((labels(backend, &backend.near_miss.as_ref()?.policy), 1)));
        self.near_misses.replace(missing, IntGauge::set);
    }

    pub(in crate::telemetry) fn certificates(&self, expiries: &Expiries) {
        for (family, certificates) in [(&self.clients, &expiries.clients), (&self.listeners, &expiries.listeners)] {
            let series = certificates.iter().map(|certificate| {
                let (gateway, reference) = (certificate.gateway.clone(), certificate.reference.clone());
                (CertificateLabels { gateway, reference }, certificate.not_after as f64)
            });
            family.replace(series, Moment::set);
        }
        let series = expiries.authorities.iter().map(|authority| {
            let (policy, reference) = (authority.policy.clone(), authority.reference.clone());
            (AuthorityLabels { policy, reference }, authority.not_after as f64)
        });
        self.authorities.replace(series, Moment::set);
    }

    /// The counter of lines that the access log dropped.
    pub(in crate::telemetry) fn dropped(&self) -> IntCounter {
        self.dropped.series(())
    }

    pub(in crate::telemetry) fn collect(&self, known: &Known) -> Vec<MetricFamily> {
        [
            collect(PROPAGATION, [&self.propagation], |_| true),
            collect(APPLIES, [&self.applies], |_| true),
            collect(LAST_SUCCESS, [&self.last_success], |()| true),
            collect(IN_SYNC, [&self.in_sync], |labels| known.gateway(&labels.gateway)),
            collect(CONDITION, [&self.conditions], |_| true),
            collect(CA_NOT_AFTER, [&self.authorities], |_| true),
            collect(POLICY, [&self.policies], |_| true),
            collect(NEAR_MISS, [&self.near_misses], |_| true),
            collect(CLIENT_NOT_AFTER, [&self.clients], |_| true),
            collect(LISTENER_NOT_AFTER, [&self.listeners], |_| true),
            collect(BUILD, [&self.build], |_| true),
            collect(DROPPED, [&self.dropped], |()| true),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
