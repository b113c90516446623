//! Order statistics: a machine's noise has a long tail to one side, which a mean would carry along.

/// The middle of some values, and how far they spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The least value.
    pub min: f64,
    /// A quarter of the values lie below.
    pub lower: f64,
    /// Half of the values lie below.
    pub median: f64,
    /// A quarter of the values lie above.
    pub upper: f64,
    /// The greatest value.
    pub max: f64,
}

impl Summary {
    /// The summary of `values` in any order, or `None` where there are none.
    ///
    /// Quantiles between two values are interpolated.
    ///
    /// ```
    /// let summary = benches::stats::Summary::of([4.0, 1.0, 3.0, 2.0]).unwrap();
    /// assert_eq!((summary.min, summary.median, summary.max), (1.0, 2.5, 4.0));
    /// ```
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        // Quarters of the way from the first to the last, in whole steps and what is left of four.
        let quantile = |quarters: usize| {
            let (step, rest) = (last * quarters / 4, last * quarters % 4);
            let next = sorted[(step + 1).min(last)];
            sorted[step] + (next - sorted[step]) * [0.0, 0.25, 0.5, 0.75][rest]
        };
        Some(Self {
            min: sorted[0],
            lower: quantile(1),
            median: quantile(2),
            upper: quantile(3),
            max: sorted[last],
        })
    }
}

/// How often as fast one contender was as another: the quotient of their speeds *within each
/// round*, summed up over the rounds.
///
/// Rounds in which either is missing do not count. Drift of the machine between rounds hits both
/// sides of each quotient and cancels; a quotient of two medians would keep it.
pub fn paired(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<Summary> {
    Summary::of(ours.iter().zip(theirs).filter_map(|(ours, theirs)| Some((*ours)? / (*theirs)?)))
}
