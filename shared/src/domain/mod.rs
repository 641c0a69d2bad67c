//! TODO

pub mod api_key;
pub mod credential;
pub mod email;
pub mod fault;
pub mod feedback;
pub mod identity;
pub mod ids;
pub mod image;
pub mod job;
pub mod lang;
pub mod member;
pub mod organization;
pub mod packing;
pub mod recipient;
pub mod template;
pub mod time;
