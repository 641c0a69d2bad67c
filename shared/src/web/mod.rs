//! The public side: read without a key, it writes nothing. It never imports `api`.
//!
//! [`public`], [`achievement`], [`verify`], [`wallet`], [`exchange`] and [`site`] are its endpoints and [`respond`] their
//! answers; [`accept`] and [`pasted`] read what a client wants and which address it means. [`view`] reads what is shown of a credential, [`pages`] renders it, [`sample`] is one of nobody's; [`seal`], [`certificate_facts`], [`qr`], [`linkedin`] and [`interaction`] are
//! parts of what is shown.

pub mod accept;
pub mod achievement;
pub mod certificate_facts;
pub mod exchange;
pub mod interaction;
pub mod linkedin;
pub mod openapi;
pub mod pages;
pub mod pasted;
pub mod public;
pub mod qr;
pub mod respond;
pub mod robots;
pub mod sample;
pub mod seal;
pub mod site;
pub mod verify;
pub mod view;
pub mod wallet;
