//! Shows how far an upload or a job is: a bar on a terminal, elsewhere a line every few seconds.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::printer::{self, MAIL, Printer, ROW};

/// Shortest time between two lines.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Period over which a rate is measured.
const WINDOW: Duration = Duration::from_secs(15);

/// The progress display; dropping it removes the bar.
pub struct Progress {
    printer: Printer,
    bar: Option<ProgressBar>,
    /// The last line, and when it was written.
    written: Option<(Instant, String)>,
    rate: Rate,
}

/// A part of a whole, in bytes, rows or mails.
#[derive(Clone, Copy)]
pub struct Fraction {
    /// Done so far.
    pub done: u64,
    /// The whole; 0 while it is unknown.
    pub total: u64,
}

/// The progress that a job reports.
struct JobProgress<'a> {
    phase: &'a str,
    of: Fraction,
    failed: Option<u64>,
}

impl Progress {
    /// A display that shows nothing yet.
    pub fn new(printer: Printer) -> Self {
        let bar = (!printer.quiet && printer::draws_bars()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:24} {msg}") {
                bar.set_style(style.progress_chars("█▌ "));
            }
            bar
        });
        Self { printer, bar, written: None, rate: Rate::default() }
    }

    /// Shows how many bytes of a file have been sent.
    pub fn show_upload(&mut self, bytes: Fraction) {
        let megabytes = |bytes: u64| {
            let tenths = bytes.div_ceil(100_000);
            self.printer.lang.decimal(format!("{}.{}", tenths / 10, tenths % 10))
        };
        let activity = self.printer.pick("Subiendo", "Uploading");
        let text = format!("{} / {} MB", megabytes(bytes.done), megabytes(bytes.total));
        self.show(activity, bytes, &text);
    }

    /// Shows how far a job is.
    pub fn show_job(&mut self, job: &Value) {
        let printer = self.printer;
        let number = |pointer: &str| job.pointer(pointer).and_then(Value::as_u64);
        let text = |pointer: &str| job.pointer(pointer).and_then(Value::as_str);
        let total = number("/progress/total").unwrap_or(0);
        let current = number("/progress/current").unwrap_or(0);
        let failed = number("/progress/failed").or(number("/result/failed"));
        let phase = text("/progress/phase").unwrap_or_default();
        let of = match phase {
            "reading" => Fraction { done: number("/progress/rows_read").unwrap_or(0), total },
            "mailing" => Fraction {
                done: number("/progress/emails_done").unwrap_or(0),
                total: total.saturating_sub(failed.unwrap_or(0)),
            },
            _ => Fraction { done: current, total },
        };
        let activity = match phase {
            "reading" => printer.pick("Leyendo", "Reading"),
            "mailing" => printer.pick("Correos", "Mail"),
            "importing" => printer.pick("Importando", "Importing"),
            _ if job.get("kind").is_some_and(|kind| kind == "erase") => {
                printer.pick("Eliminando", "Erasing")
            }
            _ if job.get("kind").is_some_and(|kind| kind == "export") => {
                printer.pick("Reuniendo datos", "Collecting data")
            }
            _ if job.get("kind").is_some_and(|kind| kind == "revoke") => {
                printer.pick("Revocando", "Revoking")
            }
            _ if job.get("dry_run").is_some_and(|dry| dry == true) => {
                printer.pick("Revisando", "Checking")
            }
            _ => printer.pick("Emitiendo", "Issuing"),
        };
        let eta = number("/progress/eta_seconds");
        // A job about personal data has parts, and no rows.
        let mut parts =
            match PRIVATE_PHASES.contains(&phase) {
                true => vec![printer.pick(
                    format!("parte {current} de {total}"),
                    format!("part {current} of {total}"),
                )],
                false => self.parts(&JobProgress { phase, of, failed }, eta),
            };
        if let Some(reason) = text("/progress/waiting") {
            parts.push(waiting(reason, printer));
        }
        self.show(activity, of, &parts.join(" · "));
    }

    /// Shows how far an archive of certificates is.
    pub fn show_certificates(&mut self, shown: &Value) {
        let number = |pointer: &str| shown.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let of = Fraction { done: number("/progress/current"), total: number("/progress/total") };
        let text = self.parts(&JobProgress { phase: "printing", of, failed: None }, None);
        self.show(self.printer.pick("Certificados", "Certificates"), of, &text.join(" · "));
    }

    /// Rows or mails, failures, rate and time left.
    fn parts(&mut self, job: &JobProgress<'_>, eta: Option<u64>) -> Vec<String> {
        let Fraction { done, total } = job.of;
        let printer = self.printer;
        let rate = self.rate.per_second(job.phase, done);
        let [_, noun] = match job.phase {
            "mailing" => printer.pick(MAIL.es, MAIL.en),
            _ => printer.pick(ROW.es, ROW.en),
        };
        let mut parts = vec![if total > 0 {
            format!("{} / {} {noun}", printer.number(done), printer.number(total))
        } else {
            format!("{} {noun}", printer.number(done))
        }];
        if let Some(failed) = job.failed {
            parts.push(printer.pick(
                format!("{} con error", printer.number(failed)),
                format!("{} failed", printer.number(failed)),
            ));
        }
        if let Some(rate) = rate {
            parts.push(format!("{} {noun}/s", printer.number(rate)));
        }
        let left = total.saturating_sub(done);
        let own = rate.filter(|rate| *rate > 0 && left > 0).map(|rate| left.div_ceil(rate));
        if let Some(seconds) = eta.filter(|eta| *eta > 0).or(own) {
            let time = printer.duration(seconds);
            parts.push(printer.pick(format!("faltan {time}"), format!("{time} left")));
        }
        parts
    }

    fn show(&mut self, activity: &str, of: Fraction, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(activity.to_owned());
            bar.set_length(of.total.max(of.done).max(1));
            bar.set_position(of.done);
            bar.set_message(printer::visible(text));
            // Drawn here, because no timer redraws the bar between two polls.
            bar.tick();
            return;
        }
        let line = format!("{activity}: {text}");
        let due = match &self.written {
            Some((at, before)) => at.elapsed() >= LINE_EVERY && *before != line,
            None => true,
        };
        if due {
            self.printer.notice(&line);
            self.written = Some((Instant::now(), line));
        }
    }

    /// The bar, for code that prints lines while it is shown.
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

/// Why a job or its mail waits.
fn waiting(reason: &str, printer: Printer) -> String {
    match reason {
        "throttled" => printer.pick("SES limita el ritmo", "SES is throttling"),
        "quota" => printer.pick("cuota diaria de SES agotada", "the daily quota of SES is used up"),
        "not_connected" => printer.pick("no hay conexión con SES", "SES cannot be reached"),
        "sending_paused" => printer.pick("SES ha pausado el envío", "SES has paused sending"),
        "sender_not_verified" => printer
            .pick("el remitente no está verificado en SES", "the sender is not verified in SES"),
        "open_jobs" => {
            printer.pick("espera a que terminen trabajos abiertos", "waiting for open jobs to end")
        }
        other => return format!("{}: {other}", printer.pick("el correo espera", "mail waits")),
    }
    .to_owned()
}

/// The phases of a job about personal data.
const PRIVATE_PHASES: [&str; 7] =
    ["noted", "credentials", "jobs", "testjobs", "catalog", "late", "done"];

/// The rate over the last seconds of one phase.
#[derive(Default)]
struct Rate {
    phase: String,
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn per_second(&mut self, phase: &str, done: u64) -> Option<u64> {
        if self.phase != phase {
            phase.clone_into(&mut self.phase);
            self.samples.clear();
        }
        let now = Instant::now();
        self.samples.push_back((now, done));
        while self.samples.len() > 2
            && self.samples.front().is_some_and(|(at, _)| now - *at > WINDOW)
        {
            self.samples.pop_front();
        }
        let (at, before) = self.samples.front()?;
        let elapsed = u64::try_from((now - *at).as_millis()).ok().filter(|ms| *ms >= 500)?;
        Some(done.saturating_sub(*before) * 1000 / elapsed)
    }
}
