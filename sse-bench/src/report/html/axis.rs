//! Where values stand in a chart, and which of them are labelled.

/// The drawing area, in units of the view box.
pub const WIDTH: f64 = 520.0;
pub const HEIGHT: f64 = 230.0;
pub const LEFT: f64 = 62.0;
pub const RIGHT: f64 = WIDTH - 10.0;
pub const TOP: f64 = 12.0;
pub const BOTTOM: f64 = HEIGHT - 26.0;

/// Values along one direction.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Positions of `low` and `high`.
    from: f64,
    to: f64,
}

impl Axis {
    /// From 0 to a round value that holds `high`.
    pub fn linear(high: f64, from: f64, to: f64) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high / 4.0);
        Self {
            low: 0.0,
            high: (high / step).ceil() * step,
            log: false,
            from,
            to,
        }
    }

    /// Seconds from 0, without room at the end.
    pub fn time(end: f64) -> Self {
        Self {
            low: 0.0,
            high: end.max(1e-3),
            log: false,
            from: LEFT,
            to: RIGHT,
        }
    }

    /// Powers of ten that hold both values.
    pub fn log(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = low.max(1.0).log10().floor();
        let high = high.max(1.0).log10().ceil().max(low + 1.0);
        Self {
            low,
            high,
            log: true,
            from,
            to,
        }
    }

    /// Where a value stands; what is outside stands at the edge.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.log {
            value.max(1e-9).log10()
        } else {
            value
        };
        let part = (value - self.low) / (self.high - self.low);
        self.from + part.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// The values to be labelled.
    pub fn ticks(&self) -> Vec<f64> {
        if self.log {
            let (low, high) = (self.low as i32, self.high as i32);
            let step = ((high - low) / 6 + 1) as usize;
            return (low..=high)
                .step_by(step)
                .map(|power| 10_f64.powi(power))
                .collect();
        }
        let step = round_step((self.high - self.low) / 4.0);
        let count = (self.high / step + 1e-6) as u32;
        (0..=count).map(|number| f64::from(number) * step).collect()
    }

    /// Seconds to be labelled: round minutes and hours from a minute on.
    pub fn time_ticks(&self) -> Vec<f64> {
        const STEPS: [f64; 16] = [
            0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
            3600.0, 7200.0,
        ];
        let most = self.high / 6.5;
        let step = STEPS.into_iter().find(|step| *step >= most);
        let step = step.unwrap_or_else(|| (most / 14_400.0).ceil() * 14_400.0);
        let count = (self.high / step + 1e-6) as u32;
        (0..=count).map(|number| f64::from(number) * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least this.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let found = steps
        .into_iter()
        .find(|step| step * power >= least * 0.999_999);
    found.unwrap_or(10.0) * power
}

/// Seconds on a time axis.
pub fn time_label(seconds: f64, end: f64) -> String {
    if end > 7200.0 {
        format!("{} h", (seconds / 360.0).round() / 10.0)
    } else if end > 120.0 {
        format!("{} min", (seconds / 6.0).round() / 10.0)
    } else {
        format!("{} s", (seconds * 10.0).round() / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_round_and_hold_all_values() {
        for high in [0.0, 0.3, 1.0, 7.0, 99.0, 1234.0, 5e6] {
            let axis = Axis::linear(high, BOTTOM, TOP);
            let ticks = axis.ticks();
            assert!((2..=6).contains(&ticks.len()), "{high}: {ticks:?}");
            assert!(*ticks.last().unwrap() >= high, "{high}: {ticks:?}");
            assert!(axis.at(high) >= TOP);
        }
        let log = Axis::log(3.0, 120_000.0, LEFT, RIGHT);
        assert_eq!(
            log.ticks(),
            [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6][..]
                .to_vec()
                .into_iter()
                .step_by(2)
                .collect::<Vec<_>>()
        );
        let minutes = Axis::time(600.0);
        assert_eq!(
            minutes.time_ticks(),
            [0.0, 120.0, 240.0, 360.0, 480.0, 600.0]
        );
        assert_eq!(time_label(120.0, 600.0), "2 min");
    }
}
