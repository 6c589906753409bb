//! What a picture in few coordinates keeps of the rows: neighbourhoods, and the information itself.

mod errors;
mod neighborhoods;
mod reconstruction;

pub use errors::ReductionQualityError;
pub use neighborhoods::{Neighborhoods, neighborhoods};
pub use reconstruction::{Reconstruction, reconstruction};
