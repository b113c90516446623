//! What the tests of the workspace share.
//!
//! | module | under | for |
//! | --- | --- | --- |
//! | [`drops`] | every face | counting what is built and dropped |
//! | [`history`] | every face | recording what threads saw, and checking that it is linearizable |
//! | [`litmus`] | every face | all executions of a few accesses, also those that loom never shows |
//! | [`stress`] | every face | sizes scaled by an environment variable |
//! | `model` | `--cfg loom` | models that count their iterations, twins that must fail |
//! | `progress` | `--cfg stepped` | threads stopped at any access, steps counted |

pub mod drops;
pub mod history;
pub mod litmus;
#[cfg(loom)]
pub mod model;
#[cfg(all(stepped, not(loom)))]
pub mod progress;
#[cfg(all(stepped, not(loom)))]
mod stack;
pub mod stress;
