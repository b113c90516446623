//! What the tests of the workspace share.
//!
//! | module | under | for |
//! | --- | --- | --- |
//! | [`drops`] | every face | counting what is built and dropped |
//! | [`stress`] | every face | sizes scaled by an environment variable |
//! | `model` | `--cfg loom` | models that count their iterations, twins that must fail |
//! | `progress` | `--cfg stepped` | threads stopped at any access, steps counted |

pub mod drops;
#[cfg(loom)]
pub mod model;
#[cfg(all(stepped, not(loom)))]
pub mod progress;
pub mod stress;
