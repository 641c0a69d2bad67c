//! The public side: read without a key, it writes nothing. It never imports `api`.
//!
//! [`public`], [`achievement`], [`verify`] and [`wallet`] are its endpoints and [`respond`] their answers. [`view`] reads what
//! is shown of a credential, [`pages`] renders it; [`seal`], [`qr`], [`glyphs`] and [`linkedin`] are
//! parts of what is shown.

pub mod achievement;
pub mod glyphs;
pub mod linkedin;
pub mod pages;
pub mod public;
pub mod qr;
pub mod respond;
pub mod robots;
pub mod seal;
pub mod verify;
pub mod view;
pub mod wallet;
