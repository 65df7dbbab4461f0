use super::*;

fn overlay(defaults: &Value, text: &str) -> Result<Parameters, String> {
    read(defaults).unwrap().overlay(text)
}

/// What the operator has set, as YAML.
fn read_text(text: &str) -> Result<Parameters, String> {
    read(&Value::Object(maps(text)?.pop().unwrap_or_default()))
}

#[test]
fn nothing_set_is_the_default() {
    for text in ["", "{}", "# nothing", "service:"] {
        assert_eq!(overlay(&Value::Null, text), Ok(Parameters::default()), "{text:?}");
    }
    assert_eq!(read(&Value::Null), Ok(Parameters::default()));
}

#[test]
fn maps_are_merged_and_the_rest_is_replaced() {
    let defaults = json!({
        "nodeSelector": {"disk": "ssd", "zone": "a"},
        "topologySpreadConstraints": [{"maxSkew": 1}, {"maxSkew": 2}],
        "service": {"type": "NodePort", "labels": {"exposed": "no"}},
        "replicas": 2,
    });
    let text =
        "nodeSelector: {zone: b}\ntopologySpreadConstraints: [{maxSkew: 3}]\nservice: {labels: {exposed: 'yes'}}";
    let parameters = overlay(&defaults, text).unwrap();
    let selector: Vec<_> = parameters.node_selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(selector, ["disk=ssd", "zone=b"]);
    assert_eq!(parameters.topology_spread_constraints, [json!({"maxSkew": 3})]);
    assert_eq!((&*parameters.service.kind, &*parameters.service.labels["exposed"]), ("NodePort", "yes"));
    assert_eq!(parameters.replicas, 2);
}

#[test]
fn null_takes_away_what_was_set() {
    let defaults = json!({
        "nodeSelector": {"zone": "a"},
        "replicas": 3,
        "podDisruptionBudget": {"minAvailable": 1},
    });
    let text = "nodeSelector: {zone: null}\nreplicas: null\n\
        podDisruptionBudget: {minAvailable: null, maxUnavailable: 1}";
    let parameters = overlay(&defaults, text).unwrap();
    assert!(parameters.node_selector.is_empty());
    assert_eq!(parameters.replicas, 1);
    assert_eq!(Value::Object(parameters.pod_disruption_budget), json!({"maxUnavailable": 1}));
    let contexts = "podSecurityContext: {runAsUser: null, fsGroup: null}";
    let context = Value::Object(read_text(contexts).unwrap().pod_security_context);
    assert_eq!(context, json!({"runAsUser": null, "fsGroup": null}), "they are to take away our own defaults");
}

#[test]
fn what_only_the_operator_sets_is_refused_of_a_gateway() {
    for key in OF_THE_OPERATOR {
        for value in ["{tag: '2'}", "[]", "null", "x"] {
            for text in [format!("{key}: {value}"), format!("replicas: 2\n---\n{key}: {value}")] {
                let error = Parameters::default().overlay(&text).unwrap_err();
                assert_eq!(error, format!("{key}: only the operator sets it (the value proxy.{key} of the chart)"));
                assert_eq!(Parameters::default().overlay_bundle(&text), Ok(Parameters::default()), "{text}");
            }
        }
    }
    let known = serde_json::to_value(Parameters::default()).unwrap();
    assert!(OF_THE_OPERATOR.iter().all(|key| known.get(key).is_some()), "each is a parameter");
}

#[test]
fn the_systems_roots_never_come_back() {
    let operator = read_text("systemCABundle: {configMap: company-ca}").unwrap();
    for lay in [Parameters::overlay, Parameters::overlay_bundle] {
        for text in [
            "systemCABundle: {configMap: ''}",
            "systemCABundle: {configMap: null}",
            "systemCABundle: {}\n---\nsystemCABundle: null",
            "systemCABundle: null\n---\nsystemCABundle: {key: a}",
        ] {
            let error = lay(&operator, text).unwrap_err();
            assert!(error.starts_with("systemCABundle.configMap: ") && error.contains("roots back"), "{text}: {error}");
            lay(&Parameters::default(), text).expect("they are what the operator has");
        }
        for (text, config_map, key) in [
            ("", "company-ca", "ca.crt"),
            ("systemCABundle: {}", "company-ca", "ca.crt"),
            ("systemCABundle: {key: b.pem}", "company-ca", "b.pem"),
            ("systemCABundle: {configMap: team-ca}", "team-ca", "ca.crt"),
        ] {
            let bundle = lay(&operator, text).unwrap().system_ca_bundle;
            assert_eq!((&*bundle.config_map, &*bundle.key), (config_map, key), "{text}");
        }
    }
}

#[test]
fn of_the_bundle_alone_nothing_else_is_read() {
    let operator = read_text("replicas: 3\nimage: {tag: '2'}").unwrap();
    let rest = "replicas: many\nhorizontalPodAutoscaler: {minReplicas: 9, maxReplicas: 2}\nnobody: knows";
    assert_eq!(operator.overlay_bundle(rest), Ok(operator.clone()));
    let parameters = operator.overlay_bundle(&format!("{rest}\nsystemCABundle: {{configMap: team-ca}}")).unwrap();
    assert_eq!(parameters.system_ca_bundle.config_map, "team-ca");
    assert_eq!(Parameters { system_ca_bundle: operator.system_ca_bundle.clone(), ..parameters }, operator);
    for (text, at) in [
        ("systemCABundle: {name: a}", "systemCABundle.name: "),
        ("systemCABundle: {key: ''}", "systemCABundle.key: "),
        ("systemCABundle: a", "systemCABundle: "),
        ("- a", "line 1: "),
        ("a: [", "line "),
    ] {
        let error = operator.overlay_bundle(text).unwrap_err();
        assert!(error.starts_with(at), "{text:?}: {error}");
        assert_eq!(operator.overlay(text), Err(error), "{text:?}");
    }
}

#[test]
fn an_error_names_the_key_and_what_is_allowed() {
    for (text, key, remedy) in [
        ("replica: 2", "replica: unknown field", "`replicas`"),
        ("replicas: two", "replicas: invalid type", "u32"),
        ("service: {tipe: NodePort}", "service.tipe: unknown field", "`type`"),
        ("image: {tag: 1.2}", "image.tag: invalid type", "a string"),
        ("podLabels: {a: b, c: 1}", "podLabels.c: invalid type", "a string"),
        ("replicas: 1\nhorizontalPodAutoscaler: {maxReplicas: -1}", "horizontalPodAutoscaler.maxReplicas: ", "u32"),
        ("service: {type: ExternalName}", "service.type: ", "LoadBalancer, NodePort, ClusterIP"),
        ("service: {externalTrafficPolicy: local}", "service.externalTrafficPolicy: ", "Cluster, Local"),
        ("image: {pullPolicy: Sometimes}", "image.pullPolicy: ", "Always, IfNotPresent, Never"),
        ("image: {repository: ''}", "image.repository: ", "name an image"),
        ("logFormat: xml", "logFormat: ", "text, json"),
        ("extraEnv: {A: [1]}", "extraEnv.A: ", "quote it"),
        ("drainDelaySeconds: 4000000000", "drainDelaySeconds: ", "at most 86400"),
        ("systemCABundle: {key: ''}", "systemCABundle.key: ", "ca.crt"),
        ("podDisruptionBudget: {min: 1}", "podDisruptionBudget.min: ", "minAvailable or maxUnavailable"),
        ("podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}", "podDisruptionBudget: ", "to null"),
        ("horizontalPodAutoscaler: {minReplicas: 9, maxReplicas: 2}", "horizontalPodAutoscaler.maxReplicas: ", "raise"),
        ("horizontalPodAutoscaler: {minReplicas: 0}", "horizontalPodAutoscaler.minReplicas: ", "at least 1"),
        ("- a", "line 1: ", "`key: value`"),
        ("a: [", "line ", ""),
        ("service: NodePort", "service: invalid type", ""),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(error.starts_with(key) && error.contains(remedy), "{text:?}: {error}");
    }
}
