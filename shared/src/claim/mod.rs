//! What anyone may ask for without a key, and is sent by mail. It puts a message into a queue and reads
//! nothing: the consumer looks up what was asked.

pub mod wallet;
