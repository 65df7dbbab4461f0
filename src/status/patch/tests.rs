use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const US: &str = "example.com/us";
const THEM: &str = "example.com/them";
const BEFORE: &str = "2025-01-01T00:00:00Z";
const NOW: &str = "2026-01-01T00:00:00Z";

fn now() -> Timestamp {
    "2026-01-01T00:00:00.123456Z".parse().unwrap()
}

fn condition(kind: &str, status: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "Fine", "message": message, "observedGeneration": 2})
}

fn since(mut condition: Value, time: &str) -> Value {
    condition["lastTransitionTime"] = time.into();
    condition
}

fn live(status: &Value) -> Value {
    json!({"metadata": {"resourceVersion": "41", "generation": 2}, "status": status})
}

/// RFC 7386.
fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (field, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(field);
        } else {
            apply(&mut target[field], value);
        }
    }
}

fn entry(controller: &str, name: &str, conditions: &Value) -> Value {
    json!({"parentRef": {"group": GATEWAY_GROUP, "kind": "Gateway", "name": name}, "controllerName": controller,
        "conditions": conditions})
}

#[test]
fn the_time_of_a_transition_stays_until_the_next_one() {
    let desired =
        json!({"conditions": [condition("Accepted", "True", "new"), condition("Programmed", "False", "new")]});
    let written = json!({"conditions": [
        since(condition("Accepted", "True", "old"), BEFORE), since(condition("Programmed", "True", "new"), BEFORE),
    ]});
    let patch = gateway(&desired, &live(&written), now()).unwrap();
    let expected = json!({"metadata": {"resourceVersion": "41"}, "status": {"conditions": [
        since(condition("Accepted", "True", "new"), BEFORE), since(condition("Programmed", "False", "new"), NOW),
    ]}});
    assert_eq!(patch, expected);
}

#[test]
fn an_object_without_a_status_gets_one() {
    let desired = json!({
        "conditions": [condition("Accepted", "True", "")],
        "listeners": [{"name": "http", "attachedRoutes": 0, "supportedKinds": [], "conditions": [condition("Accepted", "True", "")]}],
        "addresses": [{"type": "IPAddress", "value": "192.0.2.7"}],
    });
    let mut object = json!({"metadata": {"resourceVersion": "41", "generation": 2}});
    let patch = gateway(&desired, &object, now()).unwrap();
    apply(&mut object, &patch);
    assert_eq!(object["status"]["listeners"][0]["conditions"][0]["lastTransitionTime"], NOW);
    assert_eq!(object["status"]["addresses"], desired["addresses"]);
    assert_eq!(gateway(&desired, &object, now()), None);
}

#[test]
fn only_fields_that_differ_are_written() {
    let listener = |attached: i64| json!({"name": "http", "attachedRoutes": attached, "conditions": []});
    let accepted = condition("Accepted", "True", "");
    let desired = json!({"conditions": [accepted], "listeners": [listener(2)]});
    let written = json!({
        "conditions": [since(accepted, BEFORE)], "listeners": [listener(1)], "addresses": [{"value": "192.0.2.7"}],
        "attachedListenerSets": 3,
    });
    let patch = gateway(&desired, &live(&written), now()).unwrap();
    assert_eq!(patch["status"], json!({"listeners": [listener(2)], "addresses": null}));
}

#[test]
fn conditions_of_others_stay_where_they_are() {
    let theirs = since(condition("example.com/Audited", "True", ""), BEFORE);
    let desired = json!({"conditions": [condition("Accepted", "True", ""), condition("Programmed", "True", "")]});
    let written = json!({"conditions": [
        theirs, since(condition("Accepted", "Unknown", ""), BEFORE), since(condition("PartiallyInvalid", "True", ""), BEFORE),
    ]});
    let patch = gateway_class(&desired, &live(&written), now()).unwrap();
    let expected = [
        theirs.clone(),
        since(condition("Accepted", "True", ""), NOW),
        since(condition("Programmed", "True", ""), NOW),
    ];
    assert_eq!(patch["status"]["conditions"], json!(expected), "ours that holds no more is gone");
}

#[test]
fn supported_features_are_written_where_they_are_known() {
    let feature = |name: &str| json!([{ "name": name }]);
    let written = live(&json!({"supportedFeatures": feature("Gateway")}));
    assert_eq!(gateway_class(&json!({}), &written, now()), None);
    assert_eq!(gateway_class(&json!({"supportedFeatures": feature("Gateway")}), &written, now()), None);
    let patch = gateway_class(&json!({"supportedFeatures": feature("HTTPRoute")}), &written, now()).unwrap();
    assert_eq!(patch["status"], json!({"supportedFeatures": feature("HTTPRoute")}));
}

#[test]
fn a_condition_of_a_newer_generation_is_left_alone() {
    let mut newer = since(condition("Accepted", "False", "newer"), BEFORE);
    newer["observedGeneration"] = 3.into();
    let desired = json!({"conditions": [condition("Accepted", "True", "")]});
    let mut object = live(&json!({ "conditions": [newer] }));
    assert!(gateway(&desired, &object, now()).is_some(), "there is no such generation");
    object["metadata"]["generation"] = 3.into();
    assert_eq!(gateway(&desired, &object, now()), None);
}

#[test]
fn entries_of_others_stay_where_they_are() {
    let accepted = json!([since(condition("Accepted", "True", ""), BEFORE)]);
    let fresh = json!([condition("Accepted", "True", "")]);
    let theirs = |name: &str| entry(THEM, name, &json!([{"type": "x", "odd": 1.5}]));
    let written = json!({"parents": [
        theirs("a"), entry(US, "gone", &accepted), theirs("b"), entry(US, "b", &accepted), theirs("c"),
    ]});
    let desired = json!({"parents": [entry(US, "new", &fresh), entry(US, "b", &fresh)]});
    let patch = route(&desired, &live(&written), US, now()).unwrap();
    let new = json!([since(condition("Accepted", "True", ""), NOW)]);
    let expected = [theirs("a"), theirs("b"), entry(US, "b", &accepted), theirs("c"), entry(US, "new", &new)];
    assert_eq!(patch["status"]["parents"], json!(expected));
    assert_eq!(patch["metadata"], json!({"resourceVersion": "41"}));

    let nothing = route(&json!({"parents": []}), &live(&written), US, now()).unwrap();
    assert_eq!(nothing["status"]["parents"], json!([theirs("a"), theirs("b"), theirs("c")]));
    assert_eq!(route(&json!({"parents": []}), &live(&nothing["status"]), US, now()), None);
    assert_eq!(route(&json!({"parents": []}), &live(&Value::Null), US, now()), None, "no empty status is written");
}

#[test]
fn what_the_api_server_fills_in_is_no_difference() {
    let conditions = json!([since(condition("Accepted", "True", ""), BEFORE)]);
    let written = live(&json!({"parents": [entry(US, "a", &conditions)]}));
    let mut desired = json!({"parents": [entry(US, "a", &json!([condition("Accepted", "True", "")]))]});
    desired["parents"][0]["parentRef"] = json!({"name": "a"});
    assert_eq!(route(&desired, &written, US, now()), None);
    desired["parents"][0]["parentRef"] = json!({"name": "a", "sectionName": "http"});
    let patch = route(&desired, &written, US, now()).unwrap();
    assert_eq!(patch["status"]["parents"][0]["parentRef"], json!({"name": "a", "sectionName": "http"}));
}

#[test]
fn a_list_is_never_longer_than_allowed() {
    let ancestor = |controller: &str, number: usize| json!({"ancestorRef": {"name": format!("g{number}")}, "controllerName": controller, "conditions": []});
    let theirs: Vec<Value> = (0..14).map(|number| ancestor(THEM, number)).collect();
    let ours: Vec<Value> = (0..5).map(|number| ancestor(US, number)).collect();
    let mut object = live(&json!({ "ancestors": theirs }));
    let patch = policy(&json!({ "ancestors": ours }), &object, US, now()).unwrap();
    assert_eq!(patch["status"]["ancestors"], json!([&theirs[..], &ours[..2]].concat()));
    apply(&mut object, &patch);
    assert_eq!(policy(&json!({ "ancestors": ours }), &object, US, now()), None, "who has a place keeps it");

    let mut full: Vec<Value> = (0..16).map(|number| ancestor(THEM, number)).collect();
    full.push(ours[0].clone());
    let patch = policy(&json!({ "ancestors": ours }), &live(&json!({ "ancestors": full })), US, now()).unwrap();
    assert_eq!(patch["status"]["ancestors"], json!(full[..16]), "the places are others'");
}

const KINDS: [&str; 5] = ["Accepted", "Programmed", "ResolvedRefs", "PartiallyInvalid", "example.com/Other"];

fn arbitrary_condition() -> impl Strategy<Value = Value> {
    (select(&["True", "False"]), 0..4_i64, option::weighted(0.7, select(&[BEFORE, "2024-01-01T00:00:00Z"]))).prop_map(
        |(status, generation, time)| {
            let mut condition = json!({"status": status, "reason": "R", "observedGeneration": generation});
            if let Some(time) = time {
                condition["lastTransitionTime"] = time.into();
            }
            condition
        },
    )
}

/// At most one condition of each kind. A desired one has no time.
fn arbitrary_conditions(kinds: &'static [&'static str], timed: bool) -> impl Strategy<Value = Value> {
    vec(option::of(arbitrary_condition()), kinds.len()).prop_map(move |conditions| {
        let of_kind = |(condition, kind): (Option<Value>, &&str)| {
            let mut condition = condition?;
            condition["type"] = (*kind).into();
            if !timed {
                condition.as_object_mut()?.remove("lastTransitionTime");
            }
            Some(condition)
        };
        conditions.into_iter().zip(kinds).filter_map(of_kind).collect()
    })
}

fn arbitrary_entries(controllers: &'static [&'static str], timed: bool) -> impl Strategy<Value = Value> {
    let kinds = if timed { &KINDS[..] } else { &KINDS[..4] };
    let entry =
        (select(controllers), 0..24_u8, option::of(select(&["http", "https"])), arbitrary_conditions(kinds, timed));
    vec(entry, 0..40).prop_map(|entries| {
        let mut seen = std::collections::BTreeSet::new();
        let entries = entries.into_iter().filter(|(controller, name, section, _)| seen.insert((*controller, *name, *section)));
        let entry = |(controller, name, section, conditions): (&str, u8, Option<&str>, Value)| {
            let mut reference = json!({"name": format!("g{name}")});
            if let Some(section) = section {
                reference["sectionName"] = section.into();
            }
            json!({"parentRef": reference, "ancestorRef": reference, "controllerName": controller, "conditions": conditions})
        };
        entries.map(entry).collect()
    })
}

fn arbitrary_gateway_status(timed: bool) -> impl Strategy<Value = Value> {
    let kinds = if timed { &KINDS[..] } else { &KINDS[..4] };
    let listeners = vec((0..4_i64, option::of(arbitrary_conditions(kinds, timed))), 3);
    let address = option::of(select(&["192.0.2.7", "192.0.2.8"]));
    (arbitrary_conditions(kinds, timed), listeners, address).prop_map(|(conditions, listeners, address)| {
        let listeners: Value = listeners
            .into_iter()
            .enumerate()
            .filter_map(|(number, (attached, conditions))| {
                let name = format!("l{number}");
                Some(json!({"name": name, "attachedRoutes": attached, "conditions": conditions?}))
            })
            .collect();
        let mut status = json!({ "conditions": conditions, "listeners": listeners });
        if let Some(address) = address {
            status["addresses"] = json!([{ "value": address }]);
        }
        status
    })
}

fn of_others(entries: &Value) -> Vec<Value> {
    let entries = entries.as_array().into_iter().flatten();
    entries.filter(|entry| entry["controllerName"] != US).cloned().collect()
}

proptest! {
    #[test]
    fn a_patched_gateway_needs_no_patch(
        desired in arbitrary_gateway_status(false), written in arbitrary_gateway_status(true),
    ) {
        let mut object = live(&written);
        if let Some(patch) = gateway(&desired, &object, now()) {
            apply(&mut object, &patch);
        }
        prop_assert_eq!(gateway(&desired, &object, now()), None);
        let theirs = |status: &Value| {
            let conditions = status["conditions"].as_array().into_iter().flatten();
            conditions.filter(|condition| condition["type"] == KINDS[4]).cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(theirs(&object["status"]), theirs(&written));
        for condition in object["status"]["conditions"].as_array().into_iter().flatten() {
            let before = written["conditions"].as_array().unwrap().iter().find(|old| old["type"] == condition["type"]);
            let kept = before.filter(|old| old["status"] == condition["status"] && old["lastTransitionTime"].is_string());
            let since = kept.map_or(NOW, |old| old["lastTransitionTime"].as_str().unwrap());
            prop_assert!(condition["lastTransitionTime"] == since || before == Some(condition));
        }
    }

    #[test]
    fn patched_entries_need_no_patch(
        desired in arbitrary_entries(&[US], false), written in arbitrary_entries(&[US, THEM, "example.com/third"], true),
    ) {
        type Patch = fn(&Value, &Value, &str, Timestamp) -> Option<Value>;
        for (field, most, patch) in [("parents", 32, route as Patch), ("ancestors", 16, policy)] {
            let wanted = json!({ field: desired });
            let before: Value = written.as_array().unwrap().iter().take(most).cloned().collect();
            let mut object = live(&json!({ field: before }));
            if let Some(patch) = patch(&wanted, &object, US, now()) {
                apply(&mut object, &patch);
            }
            prop_assert_eq!(patch(&wanted, &object, US, now()), None);
            let after = &object["status"][field];
            prop_assert_eq!(of_others(after), of_others(&before));
            let count = after.as_array().unwrap().len();
            let room = most - of_others(after).len();
            prop_assert_eq!(count, of_others(after).len() + desired.as_array().unwrap().len().min(room));
        }
    }
}
