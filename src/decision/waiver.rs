//! Named exceptions with a reason and a last day.

use super::requirement::Requirement;
use crate::trust::days_since_epoch;

/// Seconds in a day.
pub const DAY: i64 = 86_400;

/// How long before its end a waiver is warned of.
///
/// Thirty days: one reporting month, the habit of certificate expiry alerts.
pub const WARNING: i64 = 30 * DAY;

/// A named exception to controls, with a reason and a last day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// What is waived.
    pub controls: Vec<Requirement>,
    /// Why, in the operator's words.
    pub reason: Box<str>,
    /// The last day as the policy writes it, `YYYY-MM-DD`.
    pub until: Box<str>,
    /// The first second (Unix time) after the last day, in UTC.
    pub ends: i64,
}

/// What a waiver is worth at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverState {
    /// In force.
    Active,
    /// In force, with less than [`WARNING`] left.
    NearEnd,
    /// Past its last day: worth nothing.
    Expired,
}

impl Waiver {
    /// The state at `now`, in seconds since the Unix epoch.
    pub const fn state(&self, now: i64) -> WaiverState {
        if now >= self.ends {
            WaiverState::Expired
        } else if self.ends - now <= WARNING {
            WaiverState::NearEnd
        } else {
            WaiverState::Active
        }
    }

    /// The next moment at which [`Waiver::state`] gives another answer.
    pub const fn next_change(&self, now: i64) -> Option<i64> {
        match self.state(now) {
            WaiverState::Active => Some(self.ends - WARNING),
            WaiverState::NearEnd => Some(self.ends),
            WaiverState::Expired => None,
        }
    }
}

/// The first second after the day `YYYY-MM-DD` (UTC), as Unix time; `None` for
/// text of another form or a day that the calendar does not have.
pub fn end_of_day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0i64, |n, d| {
            d.is_ascii_digit().then(|| n * 10 + i64::from(**d - b'0'))
        })
    };
    let year = number(&[y1, y2, y3, y4])?;
    let month = number(&[m1, m2])?;
    let day = number(&[d1, d2])?;
    Some((days_since_epoch(year, month, day)? + 1) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_midnight_utc() {
        assert_eq!(end_of_day("1970-01-01"), Some(DAY));
        assert_eq!(end_of_day("2000-02-29"), Some(951_868_800));
        assert_eq!(end_of_day("2026-12-31"), Some(1_798_761_600));
    }

    #[test]
    fn impossible_days_are_refused() {
        for text in [
            "2026-02-29",
            "1900-02-29",
            "2026-00-10",
            "2026-13-01",
            "2026-04-31",
            "2026-01-00",
            "2026-1-1",
            "2026/01/01",
            "",
            "2026-01-01 ",
            "²026-01-01",
            "20260-1-01",
        ] {
            assert_eq!(end_of_day(text), None, "{text}");
        }
    }

    #[test]
    fn a_waiver_warns_and_then_ends() {
        let waiver = Waiver {
            controls: vec![Requirement::V9_2_2],
            reason: "legacy".into(),
            until: "2026-12-31".into(),
            ends: 100 * DAY,
        };
        assert_eq!(waiver.state(0), WaiverState::Active);
        assert_eq!(waiver.next_change(0), Some(70 * DAY));
        assert_eq!(waiver.state(70 * DAY - 1), WaiverState::Active);
        assert_eq!(waiver.state(70 * DAY), WaiverState::NearEnd);
        assert_eq!(waiver.state(100 * DAY - 1), WaiverState::NearEnd);
        assert_eq!(waiver.state(100 * DAY), WaiverState::Expired);
        assert_eq!(waiver.next_change(100 * DAY), None);
    }
}
