//! What other runtimes on the same database commit: their rows are loaded, their models adopted.

use std::sync::Arc;

use souffleur_core::ids::Seq;
use souffleur_core::store::Change;

use crate::component::{ComponentActor, Identity};
use crate::environment::Environment;
use crate::messages::NewerModel;
use crate::port::Port;

/// Has the store tell of it, from the row after `since` on.
pub(crate) fn watch(
    env: &Arc<Environment>,
    since: Seq,
    identities: &[Arc<Identity>],
    components: &[Port<ComponentActor>],
) {
    let addresses: Vec<_> = identities
        .iter()
        .zip(components)
        .map(|(identity, port)| (Arc::clone(&identity.name), port.address().clone()))
        .collect();
    // The environment holds the store, and the store its listener.
    let env_of_listener = Arc::downgrade(env);
    env.store.watch(
        since,
        Box::new(move |change| {
            let Some(env) = env_of_listener.upgrade() else { return };
            match change {
                // The supervisor looks at the count and tells the components.
                Change::Rows { watermark, learnable } => {
                    env.note_rows(watermark, learnable);
                    env.batches.data_changed(watermark);
                }
                Change::Model { component } => {
                    let meant = |name: &str| component.as_deref().is_none_or(|component| component == name);
                    addresses
                        .iter()
                        .filter(|(name, _)| meant(name))
                        .for_each(|(_, address)| address.do_send(NewerModel));
                }
            }
        }),
    );
}
