//! TODO

pub mod glyphs;
pub mod linkedin;
pub mod pages;
pub mod public;
pub mod qr;
pub mod seal;
pub mod view;
pub mod wallet;
