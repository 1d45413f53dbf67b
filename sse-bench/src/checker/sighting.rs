//! What of a received event the checker goes by: worked out where it is received,
//! so that the checker reads no payloads.

use super::Settings;
use super::identity::{Arrival, Sequence, announced, content, number_in};

/// What an event is to the checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A part of the stream, as far as is known.
    Event,
    /// No part of it.
    Control,
    /// It announces a loss, of so many events if it says so.
    Gap(Option<u64>),
}

/// What of one event counts.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// What tells it from others; `None` where that is its content, or nothing.
    pub key: Option<&'a str>,
    /// Where it has a number: of which series.
    pub series: &'a str,
    pub(super) number: Option<u64>,
    /// A hash of type and data, where those are the same for each connection.
    pub(super) content: u64,
    pub(super) class: Class,
    /// Only its content may tell it from others.
    pub(super) hashed: bool,
    pub(super) has_id: bool,
    /// Whether the sequence has a number for it; `None` where it was not asked.
    pub(super) numbered: Option<bool>,
}

impl Sighting<'_> {
    /// The same with these texts.
    pub fn with_texts<'a>(
        &self,
        event_type: &'a str,
        key: Option<&'a str>,
        series: &'a str,
    ) -> Sighting<'a> {
        Sighting {
            event_type,
            key,
            series,
            ..*self
        }
    }

    /// The same by this name, if there is one.
    pub(super) fn named<'a>(&'a self, name: Option<&'a str>) -> Sighting<'a> {
        self.with_texts(self.event_type, name.or(self.key), self.series)
    }

    /// All that is no text.
    pub fn without_texts(&self) -> Sighting<'static> {
        self.with_texts("", None, "")
    }
}

/// Looks at events for one thread.
#[derive(Debug, Clone)]
pub struct Sighter {
    settings: Settings,
    key: String,
    series: String,
}

impl Sighter {
    /// One that goes by these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            key: String::new(),
            series: String::new(),
        }
    }

    /// What counts of this event.
    pub fn sight<'a>(&'a mut self, arrival: &Arrival<'a>) -> Sighting<'a> {
        let settings = &self.settings;
        let of_type = |names: &[String]| names.iter().any(|name| name == arrival.event_type);
        let mut sighting = Sighting {
            event_type: arrival.event_type,
            key: None,
            series: "",
            number: None,
            content: 0,
            class: Class::Event,
            hashed: false,
            has_id: false,
            numbered: None,
        };
        if of_type(&settings.gap_events) {
            sighting.class = Class::Gap(announced(arrival.data));
            return sighting;
        }
        if of_type(&settings.control_events) {
            sighting.class = Class::Control;
            return sighting;
        }
        let id = arrival.id.filter(|id| !id.is_empty());
        sighting.content = content(arrival);
        sighting.has_id = id.is_some();
        match &settings.sequence {
            Some(Sequence::Data(pointer)) => {
                let marker = settings.marker.as_deref().unwrap_or_default();
                let marked = arrival.data.contains(marker);
                let number = marked.then(|| pointer.integer(arrival.data)).flatten();
                sighting.numbered = Some(number.is_some());
                if let Some(number) = number {
                    self.key = format!("#{number}");
                    sighting.key = Some(&self.key);
                    sighting.number = Some(number);
                    return sighting;
                }
            }
            Some(Sequence::Id(expression)) => {
                if let Some(id) = id {
                    sighting.key = Some(id);
                    sighting.number = number_in(expression, id, &mut self.series);
                    sighting.series = &self.series;
                    sighting.numbered = Some(sighting.number.is_some());
                }
                return sighting;
            }
            None => {}
        }
        if settings.sequence.is_none()
            && let Some(pointer) = &settings.key_pointer
        {
            // What such a value names is the same event, whatever else is in it.
            sighting.content = 0;
            if let Some(value) = pointer.find(arrival.data) {
                self.key = format!("@{value}");
                sighting.key = Some(&self.key);
            }
        } else if let Some(id) = id {
            sighting.key = Some(id);
        } else if settings.sequence.is_some() {
            // Owed to nobody.
        } else {
            sighting.hashed = true;
        }
        sighting
    }
}
