//! What was asked, in each of the ways it has been written down.

use serde_json::Value;
use souffleur_core::error::Invalid;

use super::Event;
use super::attributes::Attributes;

/// Messages that are looked at, of those written as numbered attributes.
const NUMBERED: usize = 256;

/// The system's instructions and the last message of the user; `None` if there is no message of a user.
pub(super) fn prompt(span: &Attributes<'_>, events: &[(&Event, Attributes<'_>)]) -> Result<Option<String>, Invalid> {
    let mut asked = Asked::default();
    // Today's way: on the span, or on an event of it.
    let all = || std::iter::once(span).chain(events.iter().map(|(_, attributes)| attributes));
    for attributes in all() {
        if let Some(instructions) = attributes.structure("gen_ai.system_instructions")? {
            asked.system = text_of(&instructions).or(asked.system);
        }
        if let Some(messages) = attributes.structure("gen_ai.input.messages")? {
            let wrong = || {
                let expected = "write a list of messages, each with `role` and `parts`";
                Invalid::new("attributes.gen_ai.input.messages", "is no list", expected)
            };
            for message in messages.as_array().ok_or_else(wrong)? {
                let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
                let said = message.get("parts").or_else(|| message.get("content")).and_then(text_of);
                asked.hear(role, said);
            }
        }
    }
    if asked.user.is_none() {
        numbered(span, &mut asked);
    }
    if asked.user.is_none() {
        // The way before: one event for each message.
        for (event, attributes) in events {
            let said = attributes.text("content").or_else(|| attributes.text("gen_ai.event.content"));
            match event.name.as_str() {
                "gen_ai.system.message" => asked.hear("system", said.map(str::to_owned)),
                "gen_ai.user.message" => asked.hear("user", said.map(str::to_owned)),
                _ => {}
            }
        }
    }
    if asked.user.is_none() {
        // And the one before that: a text, or messages as JSON in it.
        let first = all().find_map(|attributes| attributes.text("gen_ai.prompt"));
        if let Some(text) = first {
            asked.legacy(text);
        }
    }
    Ok(asked.prompt())
}

#[derive(Default)]
struct Asked {
    system: Option<String>,
    user: Option<String>,
}

impl Asked {
    fn hear(&mut self, role: &str, said: Option<String>) {
        let said = said.filter(|text| !text.trim().is_empty());
        match role {
            "system" | "developer" => self.system = said.or(self.system.take()),
            "user" => self.user = said.or(self.user.take()),
            _ => {}
        }
    }

    fn legacy(&mut self, text: &str) {
        let messages = serde_json::from_str::<Value>(text).ok();
        if let Some(messages) = messages.as_ref().and_then(Value::as_array) {
            for message in messages {
                let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
                self.hear(role, message.get("content").and_then(text_of));
            }
        }
        if self.user.is_none() {
            self.hear("user", Some(text.to_owned()));
        }
    }

    fn prompt(self) -> Option<String> {
        let user = self.user?;
        Some(match self.system {
            Some(system) => format!("{system}\n\n{user}"),
            None => user,
        })
    }
}

/// Messages as `gen_ai.prompt.0.role` and `gen_ai.prompt.0.content`.
fn numbered(span: &Attributes<'_>, asked: &mut Asked) {
    if !span.any_under("gen_ai.prompt.0.") {
        return;
    }
    for n in 0..NUMBERED {
        let content = span.text(&format!("gen_ai.prompt.{n}.content"));
        let role = span.text(&format!("gen_ai.prompt.{n}.role"));
        if content.is_none() && role.is_none() {
            return;
        }
        asked.hear(role.unwrap_or("user"), content.map(str::to_owned));
    }
}

/// The text of a message's parts: a text, or those of the parts that are texts, one under the other.
fn text_of(parts: &Value) -> Option<String> {
    let part = |part: &Value| match part {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str).unwrap_or("text");
            let text = fields.get("content").or_else(|| fields.get("text")).and_then(Value::as_str);
            text.filter(|_| kind == "text").map(str::to_owned)
        }
        _ => None,
    };
    match parts {
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().filter_map(part).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        one => part(one),
    }
}
