//! Medians and percentiles.

/// The middle of the values, of the two in the middle their mean; none of no values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The smallest value that at least `share` (0 to 1) of the values do not exceed; none of no values.
pub(crate) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// How far the values lie apart, from the lowest to the highest, as a share of the median.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    let low = values.iter().copied().min_by(f64::total_cmp)?;
    let high = values.iter().copied().max_by(f64::total_cmp)?;
    Some((high - low) / median(values)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert!(close(median(&[9.0, 1.0, 3.0]), 3.0));
        assert!(close(median(&[4.0, 1.0, 3.0, 100.0]), 3.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn one_in_a_hundred_is_above_the_99th_percentile() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!(close(percentile(&values, 0.99), 99.0));
        assert!(close(percentile(&values, 0.5), 50.0));
        assert!(close(percentile(&values, 0.0), 1.0));
        assert!(close(percentile(&values, 1.0), 100.0));
        assert!(close(percentile(&[7.0], 0.99), 7.0));
        assert_eq!(percentile(&[], 0.99), None);
    }

    #[test]
    fn the_spread_is_relative_to_the_median() {
        assert!(close(spread(&[9.0, 10.0, 12.0]), 0.3));
        assert_eq!(spread(&[]), None);
    }
}
