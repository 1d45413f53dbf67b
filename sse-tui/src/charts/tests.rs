use super::*;
use crate::store::{Row, RowKind};

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_773_500_966_000 + milliseconds).unwrap()
}

/// A store and charts that are fed alike.
struct Fed {
    store: Store,
    charts: Charts,
}

impl Fed {
    fn new(wanted: &[&str]) -> Self {
        let wanted = wanted.iter().map(|text| text.parse().unwrap()).collect();
        Self {
            store: Store::new(1 << 20),
            charts: Charts::new(wanted),
        }
    }

    fn event(&mut self, lane: u16, name: &str, time: i64, data: &str) {
        self.event_of(0, lane, name, time, data);
    }

    fn event_of(&mut self, source: u16, lane: u16, name: &str, time: i64, data: &str) {
        let number = self.store.range().end;
        let row = Row {
            kind: RowKind::Event,
            at: at(time),
            delta: None,
            source,
            lane,
            leg: 1,
            event_type: name,
            id: "",
            data,
        };
        self.store.push(&row);
        self.charts.event(number, &row);
    }

    fn values(&self, pointer: &str, now: i64) -> Vec<f64> {
        let panels = self.charts.panels();
        let field = panels[0]
            .fields
            .iter()
            .find(|field| field.pointer == pointer);
        field
            .unwrap()
            .points(at(now))
            .map(|(_, value)| value)
            .collect()
    }
}

#[test]
fn the_same_type_of_another_stream_has_a_panel_of_its_own() {
    let mut fed = Fed::new(&[]);
    for number in 0..8 {
        fed.event_of(0, 0, "tick", number * 1000, "{\"price\":100}");
        fed.event_of(1, 0, "tick", number * 1000, "{\"price\":200}");
    }
    let panels = fed.charts.panels();
    assert_eq!(panels.len(), 2);
    for (panel, price) in panels.iter().zip([100.0, 200.0]) {
        let points = panel.fields[0].points(at(8000));
        assert!(
            points
                .clone()
                .all(|(_, value)| (value - price).abs() < 1e-9)
        );
        assert_eq!((points.count(), panel.meter.count), (8, 8));
    }
    assert_eq!((panels[0].source, panels[1].source), (0, 1));
}

#[test]
fn the_latest_value_is_the_latest_however_fast_they_come() {
    let mut fed = Fed::new(&[]);
    for number in 0..1000 {
        fed.event(0, "tick", number, &format!("{{\"price\":{number}}}"));
    }
    fed.charts.refresh(&fed.store, at(1000), false);
    let values = fed.values("/price", 1000);
    assert_eq!(values.last(), Some(&999.0));
    assert!((4..=6).contains(&values.len()), "{values:?}");
    assert_eq!(fed.charts.panels()[0].latest, "{\"price\":999}");
}

#[test]
fn history_is_bounded_in_time_and_number() {
    let mut fed = Fed::new(&[]);
    for number in 0..5_000 {
        fed.event(0, "tick", number * 250, &format!("{number}"));
    }
    let now = 4_999 * 250;
    let values = fed.values("", now);
    assert_eq!(values.len(), MAX_POINTS);
    assert_eq!(values.last(), Some(&4_999.0));
    assert!(fed.values("", now + 200_000).is_empty());
}

#[test]
fn fields_beyond_the_limit_are_counted_and_one_asked_for_finds_room() {
    let members: Vec<_> = (0..20).map(|n| format!("\"f{n}\":{n}")).collect();
    let data = format!("{{{}}}", members.join(","));
    let mut fed = Fed::new(&["tick:/f19"]);
    fed.event(0, "tick", 0, &data);
    let panels = fed.charts.panels();
    assert_eq!(panels[0].fields.len(), MAX_FIELDS + 1);
    assert_eq!(panels[0].fields_beyond, 3);
    assert_eq!(panels[0].chosen(), Some(MAX_FIELDS));
}

#[test]
fn types_beyond_the_limit_have_no_panel() {
    let mut fed = Fed::new(&[]);
    for lane in 0..MAX_PANELS as u16 + 9 {
        fed.event(lane, &format!("type-{lane}"), 0, "1");
    }
    assert_eq!(fed.charts.panels().len(), MAX_PANELS);
}

#[test]
fn a_measure_is_shown_rather_than_a_counter_until_another_is_chosen() {
    let mut fed = Fed::new(&[]);
    fed.event(0, "tick", 0, r#"{"seq":1,"at":17,"price":3.5,"size":2}"#);
    let shown = |charts: &Charts| {
        let panels = charts.panels();
        panels[0].fields[panels[0].chosen().unwrap()].label()
    };
    let mut seen = vec![shown(&fed.charts)];
    for _ in 0..4 {
        fed.charts.field(1);
        seen.push(shown(&fed.charts));
    }
    fed.charts.field(-1);
    seen.push(shown(&fed.charts));
    assert_eq!(seen, ["price", "size", "seq", "at", "price", "at"]);
}

#[test]
fn panels_asked_for_come_first_then_those_with_numbers_then_control_events() {
    let mut fed = Fed::new(&["status:/n"]);
    fed.event(0, "connected", 0, r#"{"retry":2000}"#);
    fed.event(1, "note", 0, "text");
    fed.event(2, "tick", 0, "1");
    fed.event(3, "status", 0, "text");
    let names: Vec<_> = fed.charts.panels().iter().map(|p| p.name.clone()).collect();
    assert_eq!(names, ["status", "tick", "note", "connected"]);
}

#[test]
fn a_pause_shows_what_was_there() {
    let mut fed = Fed::new(&[]);
    fed.event(0, "tick", 0, "1");
    fed.charts.refresh(&fed.store, at(100), true);
    fed.event(0, "tick", 1_000, "2");
    fed.charts.refresh(&fed.store, at(1_100), true);
    assert_eq!(fed.charts.now(at(1_100)), at(100));
    fed.charts.refresh(&fed.store, at(1_200), false);
    assert_eq!(fed.charts.now(at(1_200)), at(1_200));
}

#[test]
fn large_data_is_counted_and_not_looked_at() {
    let mut fed = Fed::new(&[]);
    fed.event(0, "tick", 0, &format!("[{}1]", "1,".repeat(MAX_DATA)));
    let panels = fed.charts.panels();
    assert_eq!((panels[0].too_large, panels[0].fields.len()), (1, 0));
    assert!(panels[0].latest.len() <= MAX_LATEST);
}

#[test]
fn a_clock_set_back_begins_the_chart_anew() {
    let mut fed = Fed::new(&[]);
    fed.event(0, "tick", 10_000_000, "1");
    fed.event(0, "tick", 0, "2");
    fed.event(0, "tick", 1_000, "3");
    assert_eq!(fed.values("", 2_000), [2.0, 3.0]);
}

#[test]
fn a_chart_is_asked_for_by_type_and_pointer() {
    let wanted: Wanted = "tick:/a/b:c".parse().unwrap();
    assert_eq!(
        (wanted.event_type.as_str(), wanted.pointer.as_str()),
        ("tick", "/a/b:c")
    );
    for wrong in ["tick", "tick:price", ""] {
        assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
    }
}
