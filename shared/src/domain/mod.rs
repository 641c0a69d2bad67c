//! Domain: values in, values out. Rule: no `App`, SDK, HTTP, `await`, clock or randomness; a
//! rule that needs the time or random bytes takes them as an argument, and nothing here
//! imports another room.
//!
//! | modules | subject |
//! |---|---|
//! | [`ids`], [`lang`], [`texts`], [`email`], [`time`], [`text`], [`unseen`], [`credits`], [`nearest`], [`web_address`], [`dates`], [`mistyped`] | plain values |
//! | [`json`], [`base58`] | texts of callers, within bounds before they are read |
//! | [`field`], [`recipient`], [`cleaning`], [`damage`], [`fault`], [`fault_text`], [`cell_fault`], [`day_fault`], [`correction_fault`], [`warning`], [`review`], [`spelling`], [`fault_report`], [`refusal`], [`unlisted`], [`unportable`], [`fields`], [`field_error`], [`admission`] | the fields of a recipient, their reading, their faults; other bodies; what new data must satisfy |
//! | [`tenant`], [`seal`], [`sealed_answer`], [`organization`], [`member`], [`member_row`], [`api_key`], [`image`], [`picture`], [`svg`], [`design`], [`template`], [`achievement`], [`custom`], [`custom_field`], [`readiness`], [`signing_key`], [`sender`], [`likeness`], [`public_hides`], [`short_name`], [`retention`] | the catalog |
//! | [`identity`], [`credential`], [`history`], [`who`], [`status_entry`], [`packing`], [`erasure`], [`export`] | credentials, and what is left of them |
//! | [`job`], [`job_failure`], [`upload`], [`column_map`], [`correction`], [`print`], [`print_name`], [`zip`] | jobs and their files, corrections by file, certificates for a print shop |
//! | [`feedback`], [`undelivered`], [`wallet_link`] | mail |

pub mod achievement;
pub mod admission;
pub mod api_key;
pub mod base58;
pub mod cell_fault;
pub mod claim_limit;
pub mod cleaning;
pub mod column_map;
pub mod correction;
pub mod correction_fault;
pub mod credential;
pub mod credits;
pub mod custom;
pub mod custom_field;
pub mod damage;
pub mod dates;
pub mod day_fault;
pub mod design;
pub mod email;
pub mod encoding;
pub mod erasure;
pub mod expected;
pub mod export;
pub mod fault;
pub mod fault_report;
pub mod fault_text;
pub mod feedback;
pub mod field;
pub mod field_error;
pub mod fields;
pub mod history;
pub mod identity;
pub mod ids;
pub mod image;
pub mod job;
pub mod job_failure;
pub mod job_outcome;
pub mod job_result;
pub mod job_view;
pub mod json;
pub mod lang;
pub mod ledger;
pub mod likeness;
pub mod member;
pub mod member_row;
pub mod metadata;
pub mod mistyped;
pub mod nearest;
pub mod organization;
pub mod packing;
pub mod picture;
pub mod print;
pub mod print_name;
pub mod public_hides;
pub mod readiness;
pub mod recipient;
pub mod refusal;
pub mod renewal_fault;
pub mod retention;
pub mod review;
pub mod seal;
pub mod sealed_answer;
pub mod sender;
pub mod short_name;
pub mod signing_key;
pub mod spelling;
pub mod spreadsheet;
pub mod status_entry;
pub mod svg;
pub mod template;
pub mod tenant;
pub mod text;
pub mod texts;
pub mod time;
pub mod undelivered;
pub mod unlisted;
pub mod unportable;
pub mod unseen;
pub mod upload;
pub mod upload_path;
pub mod wallet_link;
pub mod warning;
pub mod web_address;
pub mod who;
pub mod zip;
