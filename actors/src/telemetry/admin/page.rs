//! The overview as HTML. Every value is escaped: names, hosts and details come from objects and peers.

use std::fmt::{self, Display, Write};

use jiff::Timestamp;

use crate::outcome::HandshakeResult;
use crate::plan::backend::Tls;
use crate::plan::rule::{Action, Target};
use crate::plan::{EndpointSource, Plan, Rule};
use crate::telemetry::{Contact, LastHandshake, Observations, OutOfTouch, Status};

/// Readiness and contact; listeners, backends with their last handshakes, and routes.
pub(super) fn overview(status: &Status) -> String {
    let (plan, waits_for) = (status.plan(), status.readiness.waits_for());
    let mut page = String::from(concat!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Postern</title>",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
        "<link rel=\"stylesheet\" href=\"/style.css\"></head><body><h1>Postern</h1>",
        "<p><a href=\"/config_dump\">configuration</a>, <a href=\"/tls\">TLS to backends</a>, ",
        "<a href=\"/logging\">log level</a></p>",
    ));
    if waits_for.is_empty() {
        page.push_str("<p class=\"ok\">ready</p>");
    } else {
        paragraph(&mut page, "bad", &format!("not ready: {}", waits_for.join(", ")));
    }
    contact(&mut page, &status.contact);
    listeners(&mut page, &plan);
    backends(&mut page, &plan, status.telemetry.observations());
    routes(&mut page, &plan);
    page.push_str("</body></html>\n");
    page
}

fn contact(page: &mut String, contact: &Contact) {
    match contact.out_of_touch() {
        Some(OutOfTouch { since, causes }) => {
            let since = Timestamp::try_from(since).map_or_else(|_| "ever".to_owned(), |since| format!("{since:.0}"));
            let text = format!("out of touch with Kubernetes since {since}: {}", causes.join("; "));
            paragraph(page, "bad", &text);
        }
        None if contact.is_watching() => paragraph(page, "ok", "in touch with Kubernetes"),
        None => {}
    }
}

fn listeners(page: &mut String, plan: &Plan) {
    let rows = plan.ports.iter().flat_map(|port| {
        port.listeners.values().map(move |listener| {
            [
                Cell::plain(&port.gateway),
                Cell::plain(&listener.name),
                Cell::plain(format!("{}:{}", port.protocol.scheme(), port.port)),
                Cell::plain(listener.hostname.as_deref().unwrap_or("*")),
                Cell::plain(listener.routes.values().map(crate::plan::RuleTable::len).sum::<usize>()),
            ]
        })
    });
    table(page, "Listeners", ["Gateway", "Listener", "Port", "Hostname", "Matches"], rows);
}

fn backends(page: &mut String, plan: &Plan, observations: &Observations) {
    let rows = plan.backends.values().map(|backend| {
        let source = match &backend.endpoints {
            EndpointSource::Service(service) => format!("{}/{}:{}", service.namespace, service.name, service.port),
            EndpointSource::Host { host, port } => format!("{host}:{port}"),
        };
        let (policy, tls) = match &backend.tls {
            Tls::Plaintext => (Cell::none(), Cell::plain("plaintext")),
            Tls::Originate { policy, identity } => (Cell::plain(policy), Cell::plain(format!("SNI {}", identity.sni))),
            Tls::Poisoned(poison) => (
                poison.policy.as_ref().map_or_else(Cell::none, Cell::plain),
                Cell::bad(format!("{}: {}", poison.reason, poison.message)),
            ),
        };
        let last = observations.get(&backend.id);
        let handshake = last.map_or_else(Cell::none, |last| handshake(&last));
        [Cell::plain(&backend.id.gateway), Cell::plain(&backend.id), Cell::plain(source), policy, tls, handshake]
    });
    table(page, "Backends", ["Gateway", "Backend", "Endpoints", "Policy", "TLS", "Last handshake"], rows);
}

fn handshake(last: &LastHandshake) -> Cell {
    if last.result == HandshakeResult::Ok {
        let negotiated = last.tls.as_ref().map(|tls| format!(", TLS {}, {}", tls.version, tls.cipher));
        return Cell { class: "ok", text: format!("ok, {:.0}{}", last.time, negotiated.unwrap_or_default()) };
    }
    Cell::bad(format!("{}, {:.0}, {} in a row: {}", last.result, last.time, last.consecutive_failures, last.evidence))
}

fn routes(page: &mut String, plan: &Plan) {
    let rows = plan.ports.iter().flat_map(|port| {
        port.listeners.values().flat_map(move |listener| {
            listener.routes.iter().flat_map(move |(hostname, table)| {
                let hostname = hostname.map_or_else(|| "*".to_owned(), std::borrow::Cow::into_owned);
                table.rules().map(move |(condition, rule)| {
                    [
                        Cell::plain(format!("{} {}", port.gateway, listener.name)),
                        Cell::plain(&hostname),
                        Cell::plain(condition),
                        Cell::plain(format!("{} rule {}", rule.route, rule.index)),
                        action(rule),
                    ]
                })
            })
        })
    });
    table(page, "Routes", ["Listener", "Hostname", "Match", "Route", "Action"], rows);
}

fn action(rule: &Rule) -> Cell {
    match &rule.action {
        Action::Redirect(redirect) => Cell::plain(format!("redirect {}", redirect.status.as_u16())),
        Action::Fail(poison) => Cell::bad(format!("500 {}: {}", poison.reason, poison.message)),
        Action::Forward(backends) => {
            let targets: Vec<_> = backends
                .iter()
                .map(|reference| match &reference.target {
                    Target::Backend(backend) => format!("{} (weight {})", backend.id, reference.weight),
                    Target::Unusable(poison) => format!("500 {} (weight {})", poison.reason, reference.weight),
                })
                .collect();
            let unusable = backends.iter().any(|reference| matches!(reference.target, Target::Unusable(_)));
            Cell { class: if unusable { "bad" } else { "" }, text: targets.join(", ") }
        }
    }
}

struct Cell {
    class: &'static str,
    text: String,
}

impl Cell {
    fn plain(text: impl Display) -> Self {
        Self { class: "", text: text.to_string() }
    }
    fn bad(text: String) -> Self {
        Self { class: "bad", text }
    }
    fn none() -> Self {
        Self { class: "none", text: "none".to_owned() }
    }
}

fn table<const N: usize>(page: &mut String, title: &str, head: [&str; N], rows: impl Iterator<Item = [Cell; N]>) {
    let _ = write!(page, "<h2>{}</h2>", Escaped(title));
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return paragraph(page, "none", "none");
    }
    page.push_str("<table><tr>");
    for name in head {
        let _ = write!(page, "<th scope=\"col\">{}</th>", Escaped(name));
    }
    page.push_str("</tr>");
    for row in rows {
        page.push_str("<tr>");
        for Cell { class, text } in row {
            let _ = write!(page, "<td class=\"{class}\">{}</td>", Escaped(&text));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
}

fn paragraph(page: &mut String, class: &'static str, text: &str) {
    // Writing to a String cannot fail.
    let _ = write!(page, "<p class=\"{class}\">{}</p>", Escaped(text));
}

/// Text within an element or a quoted attribute.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                _ => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn text_stays_text() {
        let escaped = Escaped("<a href=\"x\" id='y'>&amp;").to_string();
        assert_eq!(escaped, "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;");
    }
}
