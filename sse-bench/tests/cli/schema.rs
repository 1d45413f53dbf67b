//! The JSON Schemas of the reports: as much of draft 2020-12 as they use.

use serde_json::Value;

const LOAD: &str = include_str!("../../../docs/load-report.schema.json");
const FINITE: &str = include_str!("../../../docs/load-until-done-report.schema.json");
const STORM: &str = include_str!("../../../docs/storm-report.schema.json");
const VERIFY: &str = include_str!("../../../docs/verify-report.schema.json");
const ANOMALY: &str = include_str!("../../../docs/anomaly-log.schema.json");

/// Fails where the report is not as the schema of its command says.
pub(crate) fn validate(report: &Value) {
    check(&schema(report["command"].as_str().unwrap()), report, "");
}

/// The same for a line of the anomaly log.
pub(crate) fn validate_anomaly(line: &Value) {
    check(&schema("anomaly"), line, "");
}

fn schema(command: &str) -> Value {
    let text = match command {
        "load" => LOAD,
        "load --until-done" => FINITE,
        "storm" => STORM,
        "verify" => VERIFY,
        "anomaly" => ANOMALY,
        other => panic!("there is no schema of {other}"),
    };
    serde_json::from_str(text).unwrap()
}

/// The metrics of thresholds and comparisons are looked up by pointer.
#[test]
fn each_metric_has_its_place_in_the_schema() {
    use sse_bench::threshold::{finite, load, storm, verify};
    for (command, table) in [
        ("load", &load::METRICS),
        ("load --until-done", &finite::METRICS),
        ("storm", &storm::METRICS),
        ("verify", &verify::METRICS),
    ] {
        let schema = schema(command);
        for metric in table.metrics() {
            let keys = metric.path().into_iter();
            let found = keys.fold(&schema, |schema, key| &schema["properties"][key]);
            assert!(found.is_object(), "{command}: {}", metric.name());
        }
    }
}

fn check(schema: &Value, value: &Value, at: &str) {
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "type" => {
                let types = rule
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![rule.clone()]);
                let fits = types
                    .iter()
                    .any(|name| is_of(value, name.as_str().unwrap()));
                assert!(fits, "{at}: {value} is not of type {rule}");
            }
            "enum" => assert!(
                rule.as_array().unwrap().contains(value),
                "{at}: {value} is none of {rule}"
            ),
            "minimum" => {
                let low = value
                    .as_f64()
                    .is_some_and(|value| value < rule.as_f64().unwrap());
                assert!(!low, "{at}: {value} is less than {rule}");
            }
            "required" => {
                for key in rule.as_array().unwrap() {
                    let key = key.as_str().unwrap();
                    assert!(
                        !value.is_object() || value.get(key).is_some(),
                        "{at}: {key} is missing"
                    );
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, item, &format!("{at}/{index}"));
                }
            }
            "properties" | "additionalProperties" => {}
            "$schema" | "title" | "description" => {}
            other => panic!("{at}: this test does not know {other}"),
        }
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        match (
            schema.get("properties").and_then(|known| known.get(key)),
            schema.get("additionalProperties"),
        ) {
            (Some(known), _) => check(known, member, &at),
            (None, Some(Value::Bool(false))) => panic!("{at} is not in the schema"),
            (None, Some(other)) => check(other, member, &at),
            (None, None) => {}
        }
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("there is no type {other}"),
    }
}
