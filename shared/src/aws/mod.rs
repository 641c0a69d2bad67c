//! AWS clients other than DynamoDB. This room has no rule of the product: a module offers the
//! calls of one service, and the use cases decide when to make them.
//!
//! [`kms`] seals, opens and uses signing keys, [`s3`] reads and writes files, [`ses`] hands over
//! mail at a limited rate, [`sqs`] sends messages.

pub mod kms;
pub mod s3;
pub mod s3_parts;
pub mod ses;
pub mod sqs;
