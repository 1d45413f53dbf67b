//! The language against a model that reads whole JSON values.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::store::RowKind;

fn row<'a>(event_type: &'a str, id: &'a str, data: &'a str) -> Row<'a> {
    Row {
        kind: RowKind::Event,
        at: Timestamp::UNIX_EPOCH,
        delta: Some(Duration::from_millis(1500)),
        source: 1,
        lane: 0,
        leg: 3,
        event_type,
        id,
        data,
    }
}

fn admits(filter: &str, row: &Row<'_>) -> bool {
    let filter = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
    filter.unwrap().admits(row, "http://two/events")
}

#[test]
fn each_kind_of_term_selects_what_it_says() {
    let data = r#"{"price":101.5,"text":"Two words","n":{"a":[1,{"b c":null}]},"big":1795222862518034091,"s":"7"}"#;
    let row = row("order.new", "k-42", data);
    for yes in [
        "words",
        "Two",
        "k-42",
        "order",
        "\"two words\"",
        "/[0-9]{3}\\.5/",
        "/TWO/i",
        "type:order.*",
        "event:order.new",
        "type: order.new",
        "type:x,order.new",
        "type:\"order.new\"",
        ".price>100",
        ".price > 100",
        ".price >100 .text ~ words",
        ".text != nothing",
        ".price=101.5",
        ".price=101.50",
        ".price!=101.6",
        ".price<=101.5 .price>=101.5",
        ".n.a[0]<2",
        ".n.a[1].\"b c\"=null",
        ".n.a",
        ".text~words",
        ".text~/^Two/",
        ".text=\"Two words\"",
        ".big=1795222862518034091",
        ".s=7",
        ".s>6.5",
        ".s=\"7\"",
        "gap:>1s",
        "gap: > 1s",
        "gap:<=1500ms",
        "size:>10",
        "size:<1KiB",
        "id:42",
        "data:words",
        "source:2",
        "source:two",
        "leg:3",
        "leg:>2",
        "not words2",
        "!(a or b) or words",
        "nowhere or words and price",
        "(nowhere or words) price",
    ] {
        assert!(admits(yes, &row), "{yes}");
    }
    for no in [
        "two2",
        "TWO",
        "type:order",
        "type:orderXnew",
        "type:\"order.*\"",
        ".price>101.5",
        ".price=\"101.5\"",
        ".price~9",
        ".missing",
        ".missing!=1",
        ".n.a[2]",
        ".n.price",
        ".big=1795222862518034092",
        ".s=\"7.0\"",
        "gap:>2s",
        "size:>1KiB",
        "id:43",
        "data:order",
        "source:1",
        "source:one",
        "leg:2",
        "not words",
        "nowhere words",
        "words and not price",
    ] {
        assert!(!admits(no, &row), "{no}");
    }
}

#[test]
fn what_cannot_be_understood_says_where_and_why() {
    for (text, at, words) in [
        ("(a", 0, "no ) for this ("),
        ("a)", 1, "no ( for this )"),
        ("a or", 4, "a term is missing here"),
        ("or a", 0, "a term is missing before or"),
        ("not", 3, "a term is missing here"),
        ("a \"b", 2, "no \" at the end"),
        ("/a", 0, "no / at its end"),
        ("/a/x", 3, "a space, or i"),
        ("/(/", 0, "unclosed group"),
        ("typ:tick", 0, "fields are type, id, data"),
        ("type:", 5, "what should the type be"),
        ("gap:1s", 4, "gap:>1s"),
        ("gap:>1", 5, "a time"),
        ("size:>x", 6, "a size"),
        ("leg:x", 4, "a number"),
        (".a.", 3, "the name of a member"),
        (".a[x]", 3, "a number, from 0"),
        (".a>", 3, "a value is missing"),
        (".a?", 2, "= != > >= < <="),
        (".a~", 3, "a word or a /regular"),
        ("/a{1000}{1000}{1000}/", 0, "too large"),
    ] {
        let problem = Filter::parse(text).expect_err(text);
        assert!(problem.reason.contains(words), "{text}: {problem:?}");
        assert_eq!(problem.at, at, "{text}: {problem:?}");
    }
    let deep = format!("{}a", "(".repeat(100_000));
    assert!(
        Filter::parse(&deep)
            .unwrap_err()
            .reason
            .contains("too many")
    );
}

#[test]
fn every_example_of_the_help_can_be_used() {
    for (example, _) in SYNTAX {
        assert!(Filter::parse(example).unwrap().is_some(), "{example}");
    }
    assert_eq!(Filter::parse("  "), Ok(None));
    assert!(!admits("http://x", &row("", "", "")), "a URL is a word");
}

#[test]
fn a_term_joins_those_before_it() {
    let parse = |text: &str| Filter::parse(text).unwrap();
    assert_eq!(Filter::with_term(None, ".a=1"), ".a=1");
    assert_eq!(Filter::with_term(parse("x").as_ref(), ".a=1"), "x .a=1");
    let both = Filter::with_term(parse("x or y").as_ref(), ".a=1");
    assert_eq!(both, "(x or y) .a=1");
}

/// A condition that the model understands as well.
#[derive(Debug, Clone)]
enum Model {
    All(Vec<Model>),
    Any(Vec<Model>),
    Not(Box<Model>),
    Type(String),
    Data(String),
    Member(Vec<Step>, Comparison, Value),
}

impl Model {
    fn text(&self) -> String {
        let joined = |parts: &[Self], with: &str| {
            let parts: Vec<_> = parts.iter().map(Self::text).collect();
            format!("({})", parts.join(with))
        };
        match self {
            Self::All(parts) => joined(parts, " "),
            Self::Any(parts) => joined(parts, " or "),
            Self::Not(part) => format!("not {}", part.text()),
            Self::Type(name) => type_term(name),
            Self::Data(text) => format!("data:{}", json::quoted(text)),
            Self::Member(path, comparison, value) => {
                let sign = match comparison {
                    Comparison::Equal => "=",
                    Comparison::NotEqual => "!=",
                    Comparison::Greater => ">",
                    Comparison::AtLeast => ">=",
                    Comparison::Less => "<",
                    Comparison::AtMost => "<=",
                };
                let value = match value {
                    Value::String(text) => json::quoted(text),
                    other => other.to_string(),
                };
                format!("{}{sign}{value}", Path(path.clone()))
            }
        }
    }

    fn holds(&self, event_type: &str, data: &str) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(event_type, data)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(event_type, data)),
            Self::Not(part) => !part.holds(event_type, data),
            Self::Type(name) => name == event_type,
            Self::Data(text) => {
                let fold = !text.chars().any(char::is_uppercase);
                if fold {
                    data.to_lowercase().contains(text)
                } else {
                    data.contains(text)
                }
            }
            Self::Member(path, comparison, expected) => {
                let Ok(mut value) = serde_json::from_str::<Value>(data) else {
                    return false;
                };
                for step in path {
                    let inner = match step {
                        Step::Key(key) => value.get(key.as_str()),
                        Step::Index(index) => value.get(index),
                    };
                    match inner {
                        Some(inner) => value = inner.clone(),
                        None => return false,
                    }
                }
                match order(&value, expected) {
                    Some(order) => comparison.holds(order),
                    None => *comparison == Comparison::NotEqual,
                }
            }
        }
    }
}

fn order(value: &Value, expected: &Value) -> Option<Ordering> {
    match (value, expected) {
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), other) => match (one.parse::<f64>(), other.as_f64()) {
            (Ok(one), Some(other)) => one.partial_cmp(&other),
            _ => Some(one.cmp(&other.to_string())),
        },
        (Value::Bool(_) | Value::Null, _) => (value == expected).then_some(Ordering::Equal),
        _ => None,
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-20_i64..20).prop_map(Value::from),
        (-9_i32..9).prop_map(|number| Value::from(f64::from(number) / 4.0)),
        "[ab\" \\\\)(é]{0,3}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::Array),
            vec((key(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    "[ab]|a b|\"|é|\\\\n|"
}

fn path() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => key().prop_map(Step::Key),
        1 => (0_usize..3).prop_map(Step::Index),
    ];
    vec(step, 1..3)
}

fn model() -> impl Strategy<Value = Model> {
    let comparison = prop_oneof![
        Just(Comparison::Equal),
        Just(Comparison::NotEqual),
        Just(Comparison::Greater),
        Just(Comparison::AtLeast),
        Just(Comparison::Less),
        Just(Comparison::AtMost),
    ];
    let scalar = json_value().prop_filter("a literal is no container", |value| {
        !value.is_object() && !value.is_array()
    });
    let leaf = prop_oneof![
        "[ab]|a b|or|a\\.b".prop_map(Model::Type),
        "[abAé\" :]{1,3}".prop_map(Model::Data),
        (path(), comparison, scalar)
            .prop_map(|(path, comparison, value)| Model::Member(path, comparison, value)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Model::All),
            vec(inner.clone(), 1..4).prop_map(Model::Any),
            inner.prop_map(|part| Model::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn it_agrees_with_the_model(
        model in model(),
        event_type in "[ab]|a b|or|a\\.b",
        value in json_value(),
    ) {
        let data = value.to_string();
        let text = model.text();
        let filter = Filter::parse(&text).expect(&text).unwrap();
        prop_assert_eq!(
            filter.admits(&row(&event_type, "", &data), ""),
            model.holds(&event_type, &data),
            "{} on {}", text, data
        );
    }

    #[test]
    fn any_text_is_understood_or_refused_at_a_place_in_it(
        text in "([ab]|type:|gap:>|\\.a|[ ()\"/!~=<>\\[\\]0]|or |and |not |é|\u{1b}){0,20}",
        data in "\\PC{0,20}",
    ) {
        match Filter::parse(&text) {
            Ok(Some(filter)) => {
                filter.admits(&row("a", "b", &data), "");
            }
            Ok(None) => {}
            Err(problem) => prop_assert!(text.trim().is_char_boundary(problem.at), "{:?}", problem),
        }
    }
}
