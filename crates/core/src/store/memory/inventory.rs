//! What there is in memory.

use std::collections::BTreeMap;

use super::Tables;
use crate::features::FeatureSchema;
use crate::store::{Counts, Inventory, ModelInventory, SchemaRows, TableInventory};

impl Tables {
    /// Rows by table, schemas and models. Nothing is known of bytes, times and coverage.
    pub(super) fn inventory(&self) -> Inventory {
        let mut counts = Counts::default();
        self.rows.iter().for_each(|row| row.count(&mut counts));
        let table = |name: &str, rows: u64| TableInventory { name: name.to_owned(), rows, ..TableInventory::default() };
        let sessions = counts.sessions + counts.training_prompts;
        let mut places = (1..).map(crate::ids::Seq).zip(&self.rows).filter(|(_, row)| row.session().is_some());
        let schemas = places.next().map(|(first, _)| SchemaRows {
            schema_hash: format!("{:016x}", FeatureSchema::current().hash),
            current: true,
            rows: sessions,
            first,
            last: places.last().map_or(first, |(last, _)| last),
        });
        let mut models: BTreeMap<&str, ModelInventory> = BTreeMap::new();
        for (model, _) in &self.models {
            let earlier = models.get(model.component.as_str()).map_or(0, |earlier| earlier.models);
            let newest = ModelInventory {
                component: model.component.clone(),
                models: earlier + 1,
                model_id: model.model_id.clone(),
                created: model.created,
                version: model.version,
                snapshot_bytes: model.snapshot.len() as u64,
            };
            models.insert(&model.component, newest);
        }
        Inventory {
            database: "memory".to_owned(),
            watermark: self.watermark(),
            tables: vec![
                table("models", self.models.len() as u64),
                table("prompt_sessions", counts.sessions),
                table("rule_applications", counts.rule_applications),
                table("rules", self.rules.len() as u64),
                table("runs", self.runs.len() as u64),
                table("training_prompts", counts.training_prompts),
                table("user_feedback", counts.feedback),
            ],
            schemas: schemas.into_iter().collect(),
            models: models.into_values().collect(),
            ..Inventory::default()
        }
    }
}
