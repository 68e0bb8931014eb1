/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The inside of a sender, and a message that is being sent, for the files of a sender: what it is (ferry-sender.c), how
 * it sends a message (ferry-send-message.c), a large one (ferry-send-large.c), the newest value of a pipe for latest
 * values (ferry-send-latest.c) and a buffer (ferry-send-buffer.c), and what all of that shares (ferry-send.c).
 *
 * Threads: any. A function that ends in _locked must be called with the lane locked (ferry_uplink_lock()). */

#pragma once

#include <string.h>

#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

/* A sender's state, which never returns to an earlier one. */
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

  guint fork_number;        /* const: see ferry-forks.c */
  guint64 connection_id;    /* const */
  FerryPipe *pipe;          /* const: (owned) (nullable): set in the application; NULL in a worker */
  GWeakRef receiver;        /* any: set in the application; NULL in a worker */
  guint64 max_message_size; /* const */

  _Atomic gint state;  /* any: changes from STARTED only with the lane locked */
  FerryUplink *uplink; /* (owned) (nullable): set once, before the state becomes STARTED */
  guint index;         /* of the pipe in the pipe table; set with uplink */
  /* any: messages of fewer bytes may take the fast path; 0: none; set with uplink, and with the cancellable */
  _Atomic gsize quick_limit;

  _Atomic gint64 timeout;           /* any: of waits; -1: no limit */
  GMutex lock;                      /* guards changes of the cancellable and of the path */
  GCancellable *cancellable;        /* lock: (owned) (nullable): ends waits */
  _Atomic gboolean has_cancellable; /* any */

  guint32 cell;           /* const: the cell's number in its link; FERRY_NO_CELL: the pipe is not for latest values */
  FerryCellWriter writer; /* with the lane locked: writes the cell */

  /* The types that were announced so far. Added to with the lane locked, and never changed. */
  char *types[FERRY_MAX_TYPES_PER_PIPE]; /* (owned) */
  _Atomic guint n_types;                 /* any: set after the type itself */
  _Atomic guint latest_type; /* any: the number of the latest message's type, with which a search begins; 0: none */
};

/* The GType of FerrySender, for the check of arguments in each send. The class initialisation sets it. */
G_GNUC_INTERNAL extern GType ferry_sender_type;

static inline FerrySenderState
ferry_sender_get_state (FerrySender *self)
{
  /* Acquire: pairs with the store of STARTED, so that uplink is visible. */
  return (FerrySenderState) atomic_load_explicit (&self->state, memory_order_acquire);
}

/* Whether a message may be sent now. With the lane locked, the result stays valid until the lane is unlocked. */
static inline gboolean
ferry_sender_is_sendable (FerrySender *self)
{
  return ferry_sender_get_state (self) == FERRY_SENDER_STARTED &&
         ferry_uplink_get_pipe_word (self->uplink, self->index) == FERRY_PIPE_WORD_OPEN;
}

/* Returns how long a send may wait. Relaxed: a number alone. */
static inline gint64
ferry_sender_get_timeout (FerrySender *self)
{
  return atomic_load_explicit (&self->timeout, memory_order_relaxed);
}

/* (transfer full) (nullable): returns the cancellable of the sender's waits. */
static inline GCancellable *
ferry_sender_dup_cancellable (FerrySender *self)
{
  GCancellable *cancellable = NULL;

  /* Relaxed: the lock orders the cancellable itself. */
  if (G_LIKELY (!atomic_load_explicit (&self->has_cancellable, memory_order_relaxed)))
    return NULL;
  g_mutex_lock (&self->lock);
  g_set_object (&cancellable, self->cancellable);
  g_mutex_unlock (&self->lock);
  return cancellable;
}

/* Set the error for a pipe that is closed or a sender that is not started, and for a wait that has ended so. Return
 * FALSE. */
gboolean ferry_sender_refuse_ended (FerrySender *self, GError **error);
gboolean ferry_sender_refuse_wait (FerrySender *self, FerryWaitResult result, GError **error);

/* ---- announced types ---- */

/* any: returns the number of a type that was announced before, or 0 for a new type. */
static inline guint16
ferry_sender_find_type (FerrySender *self, const char *type_string)
{
  /* Acquire: pairs with ferry_sender_announce_type_locked(), so that the types are visible. */
  guint latest = atomic_load_explicit (&self->latest_type, memory_order_acquire);
  guint n_types;

  if (G_LIKELY (latest > 0 && strcmp (self->types[latest - 1], type_string) == 0))
    return (guint16) latest;
  n_types = atomic_load_explicit (&self->n_types, memory_order_acquire);
  for (guint i = 0; i < n_types; i++)
    {
      if (strcmp (self->types[i], type_string) != 0)
        continue;
      /* Release: as in ferry_sender_announce_type_locked(), for a thread that has not loaded n_types. */
      atomic_store_explicit (&self->latest_type, i + 1, memory_order_release);
      return (guint16) (i + 1);
    }
  return 0;
}

/* Whether the type was announced before, or fewer than max types were. TRUE if type_string is NULL. */
static inline gboolean
ferry_sender_can_announce (FerrySender *self, const char *type_string, guint max)
{
  return type_string == NULL || self->n_types < max || ferry_sender_find_type (self, type_string) != 0;
}

/* Writes the announcement of a type to place, which must have room for it. Returns the number of the type. */
guint16 ferry_sender_announce_type_locked (FerrySender *self, const char *type_string, guint8 *place);
/* (transfer full): returns variant, or variant inside a “v” if there are too many types to announce its type, or its
 * string is too long. Half of the type numbers are kept free for threads that announce types at the same moment.
 * Returns NULL with an error for a value with too many levels. */
GVariant *ferry_sender_box_where_needed (FerrySender *self, GVariant *variant, GError **error);

/* ---- a record in the lane ---- */

/* A place in the locked lane for a record, and for the announcement of a new type before it, published together. */
typedef struct
{
  guint8 *place;           /* the place of the announcement, or of the record if there is none */
  const char *new_type;    /* (nullable): the type to be announced */
  gsize announcement_size; /* bytes of the announcement; 0: none */
  gsize size;              /* bytes of the announcement and the record together */
  guint16 number;          /* the number of the announced type; 0: none */
  gboolean locked;
} FerrySendPlace;

/* Locks the lane and finds a place for a record with that many bytes of payload. type_string: (nullable). Returns
 * FALSE, with the lane unlocked, when there is no room or sending is not possible. */
static G_ALWAYS_INLINE inline gboolean
ferry_sender_take_place (FerrySender *self, const char *type_string, gsize payload, FerrySendPlace *place)
{
  gboolean locked = ferry_uplink_lock (self->uplink);

  *place = (FerrySendPlace){.locked = locked, .size = ferry_record_size (payload)};
  if (type_string != NULL)
    place->number = ferry_sender_find_type (self, type_string);
  if (type_string != NULL && place->number == 0)
    {
      place->new_type = type_string;
      place->announcement_size = ferry_record_size (strlen (type_string));
      place->size += place->announcement_size;
    }
  if (G_LIKELY (ferry_sender_is_sendable (self) &&
                (place->new_type == NULL || self->n_types < FERRY_MAX_TYPES_PER_PIPE)))
    place->place = ferry_uplink_get_place_locked (self->uplink, place->size);
  if (G_UNLIKELY (place->place == NULL))
    ferry_uplink_unlock (self->uplink, locked);
  return place->place != NULL;
}

/* Announces a new type, and writes the record's header. Returns the place for the payload. A large record has its type
 * number in the payload, not in the header. */
static G_ALWAYS_INLINE inline guint8 *
ferry_sender_write_header_locked (FerrySender *self, FerrySendPlace *place, FerryRecordKind kind, gsize payload)
{
  guint8 *record = place->place + place->announcement_size;

  if (G_UNLIKELY (place->new_type != NULL))
    place->number = ferry_sender_announce_type_locked (self, place->new_type, place->place);
  ferry_lane_writer_write_header (&self->uplink->writer, place->announcement_size, (guint32) payload, kind,
                                  kind == FERRY_RECORD_LARGE ? 0 : place->number, self->connection_id);
  return record + sizeof (FerryRecordHeader);
}

/* ---- a message that is being sent ---- */

typedef struct
{
  FerrySender *sender;
  GVariant *variant;      /* (nullable): the message, or NULL for bytes */
  const FerryPart *parts; /* the parts of bytes, in order */
  guint n_parts;
  gsize size;
  guint8 *joined; /* (owned) (nullable): the joined parts, made by ferry_send_get_data() */
  FerryWait wait;
  gulong handler; /* of the cancellable, which is wait.data; 0: none */
} FerrySend;

/* (nullable): returns the type string of the message, or NULL for plain bytes. */
static inline const char *
ferry_send_get_type_string (const FerrySend *send)
{
  return send->variant != NULL ? g_variant_get_type_string (send->variant) : NULL;
}

static inline FerryRecordKind
ferry_send_get_kind (const FerrySend *send)
{
  return send->variant != NULL ? FERRY_RECORD_VARIANT : FERRY_RECORD_BYTES;
}

/* Lets the send wait for that long (0: not at all; -1: without a limit), and until the sender's cancellable is
 * cancelled. Returns FALSE with an error if it is already, or if nothing can be sent; else call ferry_send_end_waits().
 */
gboolean ferry_send_begin_waits (FerrySend *send, gint64 timeout, GError **error);
void ferry_send_end_waits (FerrySend *send);
void ferry_send_store (const FerrySend *send, guint8 *place);
/* Returns the message in one piece of memory. Joins its parts where there are several. */
const guint8 *ferry_send_get_data (FerrySend *send);
/* Waits for room, and writes and publishes a record. Its payload is head, followed by the message if body_size is not
 * 0. */
gboolean ferry_send_record (FerrySend *send, FerryRecordKind kind, gconstpointer head, gsize head_size, gsize body_size,
                            GError **error);
/* Sends a message that is larger than a record. */
gboolean ferry_send_large (FerrySend *send, GError **error);
/* Sends the place of a buffer of the arena, which stays mapped in this process: of the whole message, or of a buffer
 * with the message as its metadata. */
gboolean ferry_send_lend (FerrySend *send, const FerryBufferMessage *message, gboolean is_whole, GError **error);
/* Makes the message the newest value of a pipe for latest values. */
gboolean ferry_send_latest (FerrySend *send, GError **error);

G_END_DECLS
