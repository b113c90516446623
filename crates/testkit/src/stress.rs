//! Sizes of stress tests, scaled by `ATOMWORKS_STRESS`.

/// `base` times the factor in `ATOMWORKS_STRESS` (default 1), at least 1.
///
/// # Panics
/// The variable is not a number.
pub fn scaled(base: u64) -> u64 {
    let factor = match std::env::var("ATOMWORKS_STRESS") {
        Ok(text) => text.parse::<f64>().expect("ATOMWORKS_STRESS is a number"),
        Err(_) => 1.0,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a size, not a sum"
    )]
    let scaled = (base as f64 * factor) as u64;
    scaled.max(1)
}
