//! How far a job is: a bar on a terminal, elsewhere a plain line every few seconds.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::screen::{self, Screen};

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Over how long a rate is measured.
const WINDOW: Duration = Duration::from_secs(15);

/// What is shown while something runs. Dropped, the bar goes.
pub struct Progress {
    screen: Screen,
    bar: Option<ProgressBar>,
    /// The last plain line, and when.
    written: Option<(Instant, String)>,
    rate: Rate,
}

/// What a job says of itself.
struct State<'a> {
    phase: &'a str,
    done: u64,
    total: u64,
    failed: Option<u64>,
}

impl Progress {
    /// Begins with nothing on the screen.
    pub fn new(screen: Screen) -> Self {
        let bar = (!screen.quiet && screen::draws_bars()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {msg}") {
                bar.set_style(style.progress_chars("█▌ "));
            }
            bar
        });
        Self { screen, bar, written: None, rate: Rate::default() }
    }

    /// Shows how much of a file has been sent.
    pub fn sending(&mut self, sent: u64, size: u64) {
        let megabytes = |bytes: u64| {
            let tenths = bytes.div_ceil(100_000);
            self.screen.lang.decimal(format!("{}.{}", tenths / 10, tenths % 10))
        };
        let what = self.screen.pick("Subiendo", "Uploading");
        let text = format!("{} / {} MB", megabytes(sent), megabytes(size));
        self.show(what, sent, size, &text);
    }

    /// Shows where a job stands.
    pub fn job(&mut self, job: &Value) {
        let screen = self.screen;
        let number = |pointer: &str| job.pointer(pointer).and_then(Value::as_u64);
        let text = |pointer: &str| job.pointer(pointer).and_then(Value::as_str);
        let total = number("/progress/total").unwrap_or(0);
        let current = number("/progress/current").unwrap_or(0);
        let failed = number("/progress/failed").or(number("/result/failed"));
        let phase = text("/progress/phase").unwrap_or_default();
        let state = match phase {
            "reading" => {
                State { phase, done: number("/progress/rows_read").unwrap_or(0), total, failed }
            }
            "mailing" => State {
                phase,
                done: number("/progress/emails_done").unwrap_or(0),
                total: total.saturating_sub(failed.unwrap_or(0)),
                failed,
            },
            _ => State { phase, done: current, total, failed },
        };
        let what = match phase {
            "reading" => screen.pick("Leyendo", "Reading"),
            "mailing" => screen.pick("Correos", "Mail"),
            _ if job.get("kind").is_some_and(|kind| kind == "revoke") => {
                screen.pick("Revocando", "Revoking")
            }
            _ if job.get("dry_run").is_some_and(|dry| dry == true) => {
                screen.pick("Revisando", "Checking")
            }
            _ => screen.pick("Emitiendo", "Issuing"),
        };
        let eta = number("/progress/eta_seconds");
        let mut parts = self.parts(&state, eta);
        if let Some(why) = text("/progress/waiting") {
            parts.push(waiting(why, screen));
        }
        self.show(what, state.done, state.total, &parts.join(" · "));
    }

    /// Rows, failures, rate and time left.
    fn parts(&mut self, state: &State<'_>, eta: Option<u64>) -> Vec<String> {
        let screen = self.screen;
        let rate = self.rate.per_second(state.phase, state.done);
        let mailing = state.phase == "mailing";
        let (es, en) = if mailing { ("correos", "mails") } else { ("filas", "rows") };
        let noun = screen.pick(es, en);
        let mut parts = vec![if state.total > 0 {
            format!("{} / {} {noun}", screen.number(state.done), screen.number(state.total))
        } else {
            format!("{} {noun}", screen.number(state.done))
        }];
        if let Some(failed) = state.failed {
            parts.push(screen.pick(
                format!("{} con error", screen.number(failed)),
                format!("{} failed", screen.number(failed)),
            ));
        }
        if let Some(rate) = rate {
            parts.push(format!("{} {noun}/s", screen.number(rate)));
        }
        let left = state.total.saturating_sub(state.done);
        let own = rate.filter(|rate| *rate > 0 && left > 0).map(|rate| left.div_ceil(rate));
        if let Some(seconds) = eta.filter(|eta| *eta > 0).or(own) {
            let time = screen.duration(seconds);
            parts.push(screen.pick(format!("faltan {time}"), format!("{time} left")));
        }
        parts
    }

    fn show(&mut self, what: &str, done: u64, total: u64, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(what.to_owned());
            bar.set_length(total.max(done).max(1));
            bar.set_position(done);
            bar.set_message(text.to_owned());
            // Asked for each time: nothing ticks behind a poll that takes long.
            bar.tick();
            return;
        }
        let line = format!("{what}: {text}");
        let due = match &self.written {
            Some((at, before)) => at.elapsed() >= LINE_EVERY && *before != line,
            None => true,
        };
        if due {
            self.screen.notice(&line);
            self.written = Some((Instant::now(), line));
        }
    }

    /// What is drawn, for whoever writes lines of its own meanwhile.
    pub fn bar(&self) -> Option<ProgressBar> {
        self.bar.clone()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Why mail waits.
fn waiting(why: &str, screen: Screen) -> String {
    match why {
        "throttled" => screen.pick("SES limita el ritmo", "SES throttles"),
        "quota" => screen.pick("cuota diaria de SES agotada", "SES's daily quota is used up"),
        "sending_paused" => screen.pick("SES ha pausado el envío", "SES has paused sending"),
        "sender_not_verified" => {
            screen.pick("el remitente no está verificado en SES", "SES has not verified the sender")
        }
        other => return format!("{}: {other}", screen.pick("el correo espera", "mail waits")),
    }
    .to_owned()
}

/// A rate over the last seconds of one phase.
#[derive(Default)]
struct Rate {
    phase: String,
    seen: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn per_second(&mut self, phase: &str, done: u64) -> Option<u64> {
        if self.phase != phase {
            phase.clone_into(&mut self.phase);
            self.seen.clear();
        }
        let now = Instant::now();
        self.seen.push_back((now, done));
        while self.seen.len() > 2 && self.seen.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.seen.pop_front();
        }
        let (at, before) = self.seen.front()?;
        let elapsed = u64::try_from((now - *at).as_millis()).ok().filter(|ms| *ms >= 500)?;
        Some(done.saturating_sub(*before) * 1000 / elapsed)
    }
}
