//! Association rules: which items foretell which others, and how much better than chance.

use std::collections::HashMap;
use std::ops::ControlFlow;

use linfa::ParamGuard;

use super::algorithm::Itemset;
use crate::patterns::{Mined, PatternsError, PatternsParamsError};
use crate::watch::{Progress, Watch};
