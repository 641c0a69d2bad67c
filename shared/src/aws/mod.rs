//! TODO

pub mod kms;
pub mod s3;
pub mod ses;
pub mod sqs;
