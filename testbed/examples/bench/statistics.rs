//! Medians.

/// What is printed of a row's rounds.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

/// Of the rounds of one row.
pub fn summary(rounds: &[f64]) -> Summary {
    Summary {
        median: median(rounds.to_vec()),
        min: rounds.iter().copied().fold(f64::INFINITY, f64::min),
        max: rounds.iter().copied().fold(0.0, f64::max),
    }
}

/// The median of the rounds' ratios: what slows a whole round down is in both.
pub fn ratio(rounds: &[f64], base: &[f64]) -> f64 {
    median(
        rounds
            .iter()
            .zip(base)
            .map(|(row, base)| row / base)
            .collect(),
    )
}

/// NaN of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => (low + high) / 2.0,
        (_, Some(middle)) => *middle,
        _ => f64::NAN,
    }
}
