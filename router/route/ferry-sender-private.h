/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "lane/ferry-cell-private.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-monitor-private.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/* Who has a pipe's sender; agreed between the router's thread and whoever claims it by one compare and exchange. */
typedef enum
{
  FERRY_CLAIM_OPEN,    /* nobody yet */
  FERRY_CLAIM_CLAIMED, /* it was started here, or passed to a worker: the slot is in use until its link has ended */
  FERRY_CLAIM_CLOSED,  /* the pipe was closed before anybody had it */
} FerryClaim;

typedef struct
{
  _Atomic gint references;
  _Atomic gint claim;
  _Atomic gint closed;        /* the router's thread closed the pipe after it was claimed */
  _Atomic (FerryLink *) link; /* (owned) (nullable): of a pipe for latest values whose sender is in this process */
} FerryPipeShare;

/* Where a sender is in its life. It never goes back. */
typedef enum
{
  FERRY_SENDER_NEW,
  FERRY_SENDER_STARTED,
  FERRY_SENDER_STOPPED,
  FERRY_SENDER_PASSED,
} FerrySenderState;

struct _FerrySender
{
  GObject parent_instance;

  guint64 connection_id;    /* const */
  FerryPipeShare *share;    /* const: (owned) (nullable): in the application */
  FerryMonitor *monitor;    /* const: (owned) (nullable): in the application */
  GWeakRef router;          /* in the application; NULL in a worker */
  GThread *router_thread;   /* const: (unowned) (nullable): in the application, only compared */
  gsize lane_capacity;      /* const */
  guint64 max_message_size; /* const */
  gboolean latest;          /* const: only the newest value counts */
  gboolean one_shot;        /* const: in a worker, each of its buffers has memory of its own */

  _Atomic gint state;  /* any; leaves STARTED only with the lane taken */
  FerryUplink *uplink; /* (owned) (nullable): set before the state becomes STARTED, and for good */
  guint index;         /* in the pipe table; as uplink */
  gsize quick_limit;   /* messages of fewer bytes may take the quick road; 0: none; as uplink */

  guint32 cell;           /* in its link, or FERRY_NO_CELL; as uplink */
  FerryCellWriter writer; /* with the lane taken: of the cell */

  /* The types announced so far; with the lane taken. */
  char *types[FERRY_MAX_TYPES_PER_PIPE]; /* (owned) */
  _Atomic guint n_types;
  guint latest_type; /* where the search begins: messages mostly repeat their type */
};

/* The type, for the check of each send; there is no sender before the class has set it. */
extern GType ferry_sender_type;

static inline gboolean
ferry_sender_is_sender (gpointer self)
{
  return G_LIKELY (self != NULL && ((GTypeInstance *) self)->g_class != NULL &&
                   G_TYPE_FROM_INSTANCE (self) == ferry_sender_type);
}

static inline FerrySenderState
ferry_sender_get_state (FerrySender *self)
{
  /* Acquire: pairs with the store of STARTED, so that uplink is seen. */
  return (FerrySenderState) atomic_load_explicit (&self->state, memory_order_acquire);
}

/* Whether a message may go out now. With the lane taken the answer holds as long as it is; without, it is a first look.
 */
static inline gboolean
ferry_sender_is_sendable (FerrySender *self)
{
  return ferry_sender_get_state (self) == FERRY_SENDER_STARTED &&
         ferry_uplink_get_pipe_word (self->uplink, self->index) == FERRY_PIPE_WORD_OPEN;
}

/* Whether its buffers have memory of their own each. Not where the other end is in this process. Once it has an uplink.
 */
static inline gboolean
ferry_sender_has_one_shots (FerrySender *self)
{
  return self->one_shot && self->uplink->control >= 0;
}

gboolean ferry_sender_refuse_state (FerrySenderState state, GError **error);
gboolean ferry_sender_refuse_closed (FerrySender *self, GError **error);

/* any: sends a message larger than a record at once, in a buffer. Returns FALSE where there is none to spare, or it
 * could not be sent for another reason, which sending it otherwise tells. Waits for no more than a record's room. */
gboolean ferry_sender_send_parts_in_buffer (FerrySender *self, const FerryPart *parts, guint n_parts);
gboolean ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 deadline,
                                  GCancellable *cancellable, GError **error);

FerryPipeShare *ferry_pipe_share_new (void);
FerryPipeShare *ferry_pipe_share_ref (FerryPipeShare *self);
void ferry_pipe_share_unref (FerryPipeShare *self);
gboolean ferry_pipe_share_claim (FerryPipeShare *self, FerryClaim claim);

FerrySender *ferry_sender_new (guint64 connection_id, FerryPipeShare *share, FerryMonitor *monitor,
                               GThread *router_thread, gsize lane_capacity, guint64 max_message_size, gboolean latest);
FerrySender *ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell);
gboolean ferry_sender_is_claimable (FerrySender *self, GError **error);
gboolean ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error);
gboolean ferry_sender_pass (FerrySender *self, GError **error);

/* In ferry-send-latest.c. */
FerryWaitResult ferry_sender_write_latest (FerrySender *self, GVariant *variant, gconstpointer data, gsize size);
gboolean ferry_sender_check_latest (GVariant *variant, gsize size, GError **error);

G_END_DECLS
