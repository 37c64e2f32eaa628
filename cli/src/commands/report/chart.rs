//! Events over time, as SVG.

use std::fmt::{self, Write};

use hopguard::decision::{DAY, Requirement};

use super::html::Escaped;
use super::tally::{Class, Tally};
use crate::moment;

/// Lengths of a bar, in seconds: a minute to a year.
const LENGTHS: [i64; 11] = [
    60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000,
];
/// Bars at the most: each is wide enough to be seen.
const BARS: i64 = 60;
const WIDTH: i64 = 900;
const HEIGHT: u64 = 120;

/// How time is divided: the same for all controls.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    start: i64,
    length: i64,
    bars: i64,
}

impl Scale {
    pub fn of(tally: &Tally) -> Option<Self> {
        let (first, last) = tally.period()?;
        let fits = |length: &&i64| last.div_euclid(**length) - first.div_euclid(**length) < BARS;
        let length = LENGTHS.iter().find(fits).copied().unwrap_or_else(|| {
            let days = last.saturating_sub(first) / DAY / (BARS - 1) + 1;
            days.saturating_mul(DAY)
        });
        let start = first.div_euclid(length).saturating_mul(length);
        let bars = last.saturating_sub(start) / length + 1;
        Some(Self {
            start,
            length,
            bars,
        })
    }

    /// `5 minutes`.
    pub fn length(&self) -> String {
        let (count, unit) = match self.length {
            seconds if seconds % 86_400 == 0 => (seconds / 86_400, "day"),
            seconds if seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
            seconds => (seconds / 60, "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural}")
    }
}

/// The bars of one control, by class.
pub fn draw(out: &mut String, tally: &Tally, control: Requirement, scale: Scale) -> fmt::Result {
    let mut bars = vec![[0_u64; Class::ALL.len()]; usize::try_from(scale.bars).unwrap_or(0)];
    for (time, of, class, count) in &tally.moments {
        let index = usize::try_from((time - scale.start) / scale.length);
        let bar = index.ok().and_then(|index| bars.get_mut(index));
        let place = Class::ALL.iter().position(|c| c == class);
        if *of == control
            && let Some(sum) = bar.zip(place).and_then(|(bar, place)| bar.get_mut(place))
        {
            *sum = sum.saturating_add(*count);
        }
    }
    let total = |bar: &[u64; Class::ALL.len()]| bar.iter().fold(0_u64, |a, b| a.saturating_add(*b));
    let most = bars.iter().map(total).max().unwrap_or(0).max(1);
    write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{} over time\">",
        HEIGHT + 20,
        control
    )?;
    write!(
        out,
        "<line x1=\"0\" y1=\"{HEIGHT}\" x2=\"{WIDTH}\" y2=\"{HEIGHT}\" class=\"axis\"/>"
    )?;
    let width = WIDTH / scale.bars.max(1);
    for (place, bar) in (0_i64..).zip(&bars) {
        let start = scale
            .start
            .saturating_add(place.saturating_mul(scale.length));
        let mut top = HEIGHT;
        for (class, count) in Class::ALL.iter().zip(bar).filter(|(_, count)| **count > 0) {
            // What happened is seen, however much more happened elsewhere.
            let share = u128::from(HEIGHT - 20) * u128::from(*count) / u128::from(most);
            let height = u64::try_from(share).unwrap_or(0).clamp(2, HEIGHT - 20);
            top = top.saturating_sub(height);
            write!(
                out,
                "<rect x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{height}\" class=\"{}\"><title>{}: {count} {}</title></rect>",
                place * width,
                (width - 1).clamp(1, 40),
                css(*class),
                Escaped(&moment::text(start)),
                class.title(),
            )?;
        }
    }
    let end = scale
        .start
        .saturating_add(scale.bars.saturating_mul(scale.length));
    let y = HEIGHT + 15;
    write!(
        out,
        "<text x=\"0\" y=\"{y}\">{}</text>",
        Escaped(&moment::text(scale.start))
    )?;
    write!(
        out,
        "<text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
        Escaped(&moment::text(end))
    )?;
    write!(
        out,
        "<text x=\"{WIDTH}\" y=\"12\" text-anchor=\"end\">at most {most}</text></svg>"
    )
}

/// The class of a colour.
pub const fn css(class: Class) -> &'static str {
    match class {
        Class::Denied => "denied",
        Class::Failed => "failed",
        Class::WouldDeny => "reported",
        Class::Waived => "waived",
        Class::Unknown => "unknown",
        Class::Warned => "warned",
    }
}
