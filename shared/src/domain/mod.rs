//! TODO

pub mod api_key;
pub mod credential;
pub mod email;
pub mod fault;
pub mod feedback;
pub mod field;
pub mod fields;
pub mod identity;
pub mod ids;
pub mod image;
pub mod job;
pub mod lang;
pub mod member;
pub mod organization;
pub mod packing;
pub mod recipient;
pub mod signing_key;
pub mod template;
pub mod text;
pub mod time;
pub mod upload;
pub mod wallet_link;
