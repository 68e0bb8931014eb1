/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The writing end of a pipe, in a worker or in the application. It writes a message as one or more records into the up
 * lane.
 *
 * The fast path locks the lane, writes the record directly into it, and publishes the record. It makes no allocation
 * and no system call, and takes no real lock while the process has one thread. The slow path does the rest: it waits
 * for room, sets errors, and sends messages in pieces.
 *
 * Owner:   references are counted, as of any GObject.
 * Threads: any, unless a function says otherwise. A function that ends in _locked must be called with the lane locked
 *          (ferry_uplink_lock()).
 *
 * It is one file since the ways to send differ in their last step only: a record in the lane, pieces or a place of the
 * arena behind a large record, sealed memory beside one, or a cell. They use the same states, announced types, waits
 * and errors. What the application's end of a pipe has, such as a link of its own, is in ferry-pipe.c. */

#include "config.h"

#include "base/ferry-property-private.h"
#include "route/ferry-sender-private.h"

#include <poll.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "route/ferry-buffer-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-handshake-private.h"
#include "wire/ferry-shape-private.h"

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

  guint fork_number;        /* const: see ferry-forks-private.h */
  guint64 connection_id;    /* const */
  FerryPipe *pipe;          /* const: (owned) (nullable): set in the application; NULL in a worker */
  GWeakRef receiver;        /* any: set in the application; NULL in a worker */
  guint64 max_message_size; /* const */
  gboolean one_shot;        /* const: in a worker: whether its buffers are one-shot buffers */

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
  FerryShape *types[FERRY_MAX_TYPES_PER_PIPE]; /* (owned) */
  _Atomic guint n_types;                       /* any: set after the type itself */
  _Atomic guint latest_type; /* any: the number of the latest message's type, with which a search begins; 0: none */
};

/* The GType of FerrySender, for the check of arguments in each send. The class initialisation sets it. */
static GType sender_type;

static inline gboolean
is_sender (gpointer self)
{
  return G_LIKELY (self != NULL && ((GTypeInstance *) self)->g_class != NULL &&
                   G_TYPE_FROM_INSTANCE (self) == sender_type);
}

static inline FerrySenderState
get_state (FerrySender *self)
{
  /* Acquire: pairs with the store of STARTED, so that uplink is visible. */
  return (FerrySenderState) atomic_load_explicit (&self->state, memory_order_acquire);
}

/* Whether a message may be sent now. With the lane locked, the result stays valid until the lane is unlocked. */
static inline gboolean
is_sendable (FerrySender *self)
{
  return get_state (self) == FERRY_SENDER_STARTED &&
         ferry_uplink_get_pipe_word (self->uplink, self->index) == FERRY_PIPE_WORD_OPEN;
}

/* Whether a message of that size may take the fast path. Relaxed: a thread that sets a cancellable while another sends
 * gets one or the other. */
static inline gboolean
is_quick (FerrySender *self, gsize size)
{
  return size < atomic_load_explicit (&self->quick_limit, memory_order_relaxed);
}

/* Whether the sender's buffers are one-shot buffers. FALSE if the other end is in this process. Needs an uplink. */
static inline gboolean
has_one_shots (FerrySender *self)
{
  return self->one_shot && self->uplink->control >= 0;
}

/* A message that is being sent. */
typedef struct
{
  FerrySender *sender;
  GVariant *variant;       /* (nullable): the message, or NULL for bytes */
  const char *type_string; /* (nullable): of bytes in serialised form; NULL for plain bytes */
  const FerryShape *shape; /* (nullable): of bytes with padding that is cleared when they are stored */
  const FerryPart *parts;  /* the parts of bytes, in order */
  guint n_parts;
  gsize size;
  guint8 *joined; /* (owned) (nullable): the joined parts, made by get_data() */
  FerryWait wait;
  gulong handler; /* of the cancellable, which is wait.data; 0: none */
} FerrySend;

/* (nullable): returns the type string of the message, or NULL for plain bytes. */
static const char *
get_type_string (const FerrySend *send)
{
  return send->variant != NULL ? g_variant_get_type_string (send->variant) : send->type_string;
}

static FerryRecordKind
get_kind (const FerrySend *send)
{
  return get_type_string (send) != NULL ? FERRY_RECORD_VARIANT : FERRY_RECORD_BYTES;
}

/* Returns the bytes of a record with that payload, and of the largest type announcement that may come before it. */
static gsize
get_most_room (const FerrySend *send, gsize payload)
{
  return ferry_record_size (payload) + (get_type_string (send) != NULL ? ferry_record_size (FERRY_MAX_TYPE_STRING) : 0);
}

/**
 * FerrySender:
 *
 * The writing end of a pipe.
 *
 * [method@Ferry.Router.pipe] makes a sender in the application. The sender is then either passed to a worker with
 * [method@Ferry.Launcher.add_sender], or used by the application's own threads. The worker gets it with
 * [func@Ferry.Worker.get_sender].
 *
 * A sender is started once, sends messages, and is stopped once. The stop lets the receiver know that no message is
 * missing. When the last reference to a sender is dropped, a started sender is stopped. The pipe of one that was
 * neither started nor passed to a worker is closed, with the reason %FERRY_CLOSE_REASON_STOPPED.
 *
 * When a send has returned %TRUE, the receiver gets the message, even if the sender's process is killed right
 * afterwards. This holds while the pipe is open and the router runs. Messages of one sender arrive once, and in order.
 * On a pipe for latest values, only the newest counts: [flags@Ferry.PipeFlags].
 *
 * After it was started, any number of threads may use a sender at once, but only one process. In a child process that a
 * worker forks, sending fails.
 */

enum
{
  PROP_CONNECTION_ID = 1,
  PROP_TIMEOUT,
  PROP_CANCELLABLE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerrySender, ferry_sender, G_TYPE_OBJECT)

/* Sets the error for a sender in a state that does not allow the operation. Returns FALSE, as all refuse_…() do. */
static gboolean
refuse_state (FerrySenderState state, GError **error)
{
  static const struct
  {
    FerryError code;
    const char *text;
  } refusals[] = {
    [FERRY_SENDER_NEW] = {FERRY_ERROR_NOT_STARTED, "The sender was not started; call ferry_sender_start() first"},
    [FERRY_SENDER_STARTED] = {FERRY_ERROR_ALREADY_STARTED, "The sender was started already; start it only once"},
    [FERRY_SENDER_STOPPED] = {FERRY_ERROR_STOPPED, "The sender was stopped; open another pipe to send more"},
    [FERRY_SENDER_PASSED] = {FERRY_ERROR_ALREADY_STARTED, "The sender was passed to a worker; use it in the worker"},
  };

  return ferry_set_error (error, (gint) refusals[state].code, "%s", refusals[state].text);
}

static gboolean
refuse_closed (FerrySender *self, GError **error)
{
  static const char *const texts[] = {
    [FERRY_PIPE_WORD_OPEN] = "is closed; stop sending",
    [FERRY_PIPE_WORD_CLOSED] = "was closed by the application; stop sending",
    [FERRY_PIPE_WORD_LINK_ENDED] = "has ended, since the application ended the link; stop sending",
    [FERRY_PIPE_WORD_ROUTER_STOPPED] = "has ended, since the router was stopped; stop sending",
  };
  guint32 word = self->uplink != NULL ? ferry_uplink_get_pipe_word (self->uplink, self->index) : 0;

  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The pipe %" G_GUINT64_FORMAT " %s", self->connection_id,
                          texts[word < G_N_ELEMENTS (texts) ? word : 0]);
}

/* ---- the fast path ---- */

/* Copies a value of a shape that keeps words, without its padding. Each word is stored once: to clear the padding
 * afterwards would load words that were just stored. Of a word that ends with 4 bytes of padding, only the member
 * before is loaded: a load that is wider than the store of the member waits for all earlier stores. */
static inline void
copy_kept (guint8 *place, const guint8 *data, const FerryShape *shape)
{
  const gsize n_words = shape->fixed_size / 8;
  guint64 halves = shape->halves;

  for (gsize i = 0; i < n_words; i++, halves >>= 1)
    {
      guint64 word = 0;

      if ((halves & 1) != 0)
        memcpy (&word, data + 8 * i, 4);
      else
        {
          memcpy (&word, data + 8 * i, 8);
          word &= shape->kept[i];
        }
      /* Keeps the compiler from joining the loop's stores to a copy and stores over it. */
      __asm__("" : "+r"(word));
      memcpy (place + 8 * i, &word, 8);
    }
}

/* any: returns the number of a type that was announced before, or 0 for a new type. The type string may go on behind
 * its end. */
static inline guint16
find_type (FerrySender *self, const char *type_string)
{
  /* Acquire: pairs with add_type_locked(), so that the types are visible. */
  guint latest = atomic_load_explicit (&self->latest_type, memory_order_acquire);
  guint n_types;

  if (G_LIKELY (latest > 0 && ferry_shape_is_of_type (self->types[latest - 1], type_string)))
    return (guint16) latest;
  n_types = atomic_load_explicit (&self->n_types, memory_order_acquire);
  for (guint i = 0; i < n_types; i++)
    {
      if (!ferry_shape_is_of_type (self->types[i], type_string))
        continue;
      /* Release: as in add_type_locked(), for a thread that has not loaded n_types. */
      atomic_store_explicit (&self->latest_type, i + 1, memory_order_release);
      return (guint16) (i + 1);
    }
  return 0;
}

static guint
add_type_locked (FerrySender *self, const char *type_string)
{
  guint number = atomic_load_explicit (&self->n_types, memory_order_relaxed) + 1;

  self->types[number - 1] = ferry_shape_new (type_string, strlen (type_string));
  /* Release: both pair with find_type(). */
  atomic_store_explicit (&self->latest_type, number, memory_order_release);
  atomic_store_explicit (&self->n_types, number, memory_order_release);
  return number;
}

/* Writes the announcement of a type to place, which must have room for it. Returns the number of the type. */
static guint16
announce_type_locked (FerrySender *self, const char *type_string, guint8 *place)
{
  guint number = add_type_locked (self, type_string);
  gsize length = strlen (type_string);

  ferry_lane_writer_write_header (&self->uplink->writer, 0, (guint32) length, FERRY_RECORD_TYPE, (guint16) number,
                                  self->connection_id);
  memcpy (place + sizeof (FerryRecordHeader), type_string, length);
  return (guint16) number;
}

/* A place in the locked lane for a record, and for the announcement of a new type before it, published together. */
typedef struct
{
  guint8 *place;           /* the place of the announcement, or of the record if there is none */
  const char *new_type;    /* (nullable): the type to be announced */
  gsize announcement_size; /* bytes of the announcement; 0: none */
  gsize size;              /* bytes of the announcement and the record together */
  guint16 number;          /* the number of the announced type; 0: none */
  gboolean locked;
} FerryPlace;

/* Locks the lane and finds a place for a record with that many bytes of payload. type_string: (nullable). Returns
 * FALSE, with the lane unlocked, when there is no room or sending is not possible. */
static G_ALWAYS_INLINE inline gboolean
take_place (FerrySender *self, const char *type_string, gsize payload, FerryPlace *place)
{
  gboolean locked = ferry_uplink_lock (self->uplink);

  *place = (FerryPlace){.locked = locked, .size = ferry_record_size (payload)};
  if (type_string != NULL)
    place->number = find_type (self, type_string);
  if (type_string != NULL && place->number == 0)
    {
      place->new_type = type_string;
      place->announcement_size = ferry_record_size (strlen (type_string));
      place->size += place->announcement_size;
    }
  if (G_LIKELY (is_sendable (self) && (place->new_type == NULL || self->n_types < FERRY_MAX_TYPES_PER_PIPE)))
    place->place = ferry_uplink_get_place_locked (self->uplink, place->size);
  if (G_UNLIKELY (place->place == NULL))
    ferry_uplink_unlock (self->uplink, locked);
  return place->place != NULL;
}

/* Announces a new type, and writes the record's header. Returns the place for the payload. A large record has its type
 * number in the payload, not in the header. */
static G_ALWAYS_INLINE inline guint8 *
write_header_locked (FerrySender *self, FerryPlace *place, FerryRecordKind kind, gsize payload)
{
  guint8 *record = place->place + place->announcement_size;

  if (G_UNLIKELY (place->new_type != NULL))
    place->number = announce_type_locked (self, place->new_type, place->place);
  ferry_lane_writer_write_header (&self->uplink->writer, place->announcement_size, (guint32) payload, kind,
                                  kind == FERRY_RECORD_LARGE ? 0 : place->number, self->connection_id);
  return record + sizeof (FerryRecordHeader);
}

static G_ALWAYS_INLINE inline gboolean
send_parts_now (FerrySender *self, const FerryPart *parts, guint n_parts, gsize size)
{
  FerryPlace place;
  guint8 *payload;

  if (G_UNLIKELY (!take_place (self, NULL, size, &place)))
    return FALSE;
  payload = write_header_locked (self, &place, FERRY_RECORD_BYTES, size);
  for (guint i = 0; i < n_parts; i++)
    {
      /* The data of an empty part may be NULL. */
      if (parts[i].size > 0)
        memcpy (payload, parts[i].data, parts[i].size);
      payload += parts[i].size;
    }
  ferry_uplink_publish_and_unlock (self->uplink, place.size, place.locked);
  return TRUE;
}

/* number: of a type that was announced, with its shape given. */
static G_ALWAYS_INLINE inline gboolean
send_serialised_now (FerrySender *self, guint16 number, const FerryShape *shape, gconstpointer data, gsize size)
{
  FerryPlace place;
  guint8 *payload;

  if (G_UNLIKELY (!take_place (self, NULL, size, &place)))
    return FALSE;
  place.number = number;
  payload = write_header_locked (self, &place, FERRY_RECORD_VARIANT, size);
  if (shape->kept != NULL)
    copy_kept (payload, data, shape);
  else
    {
      /* The data of an empty value may be NULL. */
      if (size > 0)
        memcpy (payload, data, size);
      ferry_shape_clear_padding (shape, payload, size);
    }
  ferry_uplink_publish_and_unlock (self->uplink, place.size, place.locked);
  return TRUE;
}

static gboolean
send_variant_now (FerrySender *self, GVariant *variant, gsize size)
{
  FerryPlace place;

  if (G_UNLIKELY (!take_place (self, g_variant_get_type_string (variant), size, &place)))
    return FALSE;
  g_variant_store (variant, write_header_locked (self, &place, FERRY_RECORD_VARIANT, size));
  ferry_uplink_publish_and_unlock (self->uplink, place.size, place.locked);
  return TRUE;
}

/* ---- the slow path ---- */

/* Sets the error for a pipe that is closed, or for a sender that is not started. */
static gboolean
refuse_ended (FerrySender *self, GError **error)
{
  FerrySenderState state = get_state (self);

  return state == FERRY_SENDER_STARTED ? refuse_closed (self, error) : refuse_state (state, error);
}

static gboolean
refuse_wait (FerrySender *self, FerryWaitResult result, GError **error)
{
  static const struct
  {
    FerryError code;
    const char *text;
  } refusals[] = {
    [FERRY_WAIT_WOULD_BLOCK] = {FERRY_ERROR_WOULD_BLOCK,
                                "The lane is full, and this function may not wait; send again later, or send less"},
    [FERRY_WAIT_TIMED_OUT] =
      {FERRY_ERROR_TIMED_OUT,
       "The lane stayed full until the time was over; send less, or make the application handle messages faster"},
    [FERRY_WAIT_FORKED] = {FERRY_ERROR_NOT_A_WORKER,
                           "This process was forked from the worker that has the sender; send "
                           "in that worker, or start another worker"},
    [FERRY_WAIT_BROKEN] = {FERRY_ERROR_PROTOCOL, "The other end has damaged the lane; stop sending"},
  };

  if (result == FERRY_WAIT_CLOSED)
    return refuse_ended (self, error);
  if (result == FERRY_WAIT_INTERRUPTED)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Sending was cancelled");
  else
    ferry_set_error (error, (gint) refusals[result].code, "%s", refusals[result].text);
  return FALSE;
}

/* Whether the type was announced before, or fewer than max types were. TRUE if type_string is NULL. */
static inline gboolean
can_announce (FerrySender *self, const char *type_string, guint max)
{
  return type_string == NULL || self->n_types < max || find_type (self, type_string) != 0;
}

/* Waits until the lane has room, and the caller should try again. */
static gboolean
wait_for_room (FerrySend *send, gsize size, GError **error)
{
  FerrySender *self = send->sender;
  FerrySenderState state = get_state (self);
  FerryWaitResult result;

  if (state != FERRY_SENDER_STARTED)
    return refuse_state (state, error);
  if (!can_announce (self, get_type_string (send), FERRY_MAX_TYPES_PER_PIPE))
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "More than %d types were new on the pipe at the same moment; send again",
                            FERRY_MAX_TYPES_PER_PIPE / 2);
  result = ferry_uplink_wait (self->uplink, &send->wait, size);
  return result == FERRY_WAIT_READY || refuse_wait (self, result, error);
}

/* Writes the message to place. */
static void
store (const FerrySend *send, guint8 *place)
{
  guint8 *next = place;

  if (send->variant != NULL)
    g_variant_store (send->variant, place);
  for (guint i = 0; i < send->n_parts; i++)
    {
      if (send->parts[i].size > 0)
        memcpy (next, send->parts[i].data, send->parts[i].size);
      next += send->parts[i].size;
    }
  if (send->shape != NULL)
    ferry_shape_clear_padding (send->shape, place, send->size);
}

/* Returns the message in one piece of memory. Joins its parts where there are several, and where it has padding. */
static const guint8 *
get_data (FerrySend *send)
{
  if (send->variant != NULL)
    return g_variant_get_data (send->variant);
  if (send->n_parts == 1 && (send->shape == NULL || !send->shape->has_padding))
    return send->parts[0].data;
  if (send->joined == NULL)
    {
      send->joined = g_malloc (send->size);
      store (send, send->joined);
    }
  return send->joined;
}

/* Writes and publishes a record. Its payload is head, followed by the message unless body_size is 0. */
static void
write_record_and_unlock (const FerrySend *send, FerryPlace *place, FerryRecordKind kind, gconstpointer head,
                         gsize head_size, gsize body_size)
{
  FerrySender *self = send->sender;
  guint8 *payload = write_header_locked (self, place, kind, head_size + body_size);

  if (head_size > 0)
    memcpy (payload, head, head_size);
  if (kind == FERRY_RECORD_LARGE)
    ((FerryLargeMessage *) (void *) payload)->number = place->number;
  if (body_size > 0)
    store (send, payload + head_size);
  ferry_uplink_publish_and_unlock (self->uplink, place->size, place->locked);
}

/* As write_record_and_unlock(), but waits for room first. */
static gboolean
send_record (FerrySend *send, FerryRecordKind kind, gconstpointer head, gsize head_size, gsize body_size,
             GError **error)
{
  const char *type_string = kind != FERRY_RECORD_PIECE ? get_type_string (send) : NULL;
  FerryPlace place;

  while (!take_place (send->sender, type_string, head_size + body_size, &place))
    if (!wait_for_room (send, get_most_room (send, head_size + body_size), error))
      return FALSE;
  write_record_and_unlock (send, &place, kind, head, head_size, body_size);
  return TRUE;
}

static gboolean
is_cancelled (gpointer data)
{
  return g_cancellable_is_cancelled (data);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  ferry_uplink_interrupt (user_data);
}

/* (transfer full) (nullable): returns the cancellable of the sender's waits. */
static GCancellable *
dup_cancellable (FerrySender *self)
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

/* Lets the send wait for that long (0: not at all; -1: without a limit), and until the sender's cancellable is
 * cancelled. Returns FALSE with an error if it is already, or if nothing can be sent; else call end_waits(). */
static gboolean
begin_waits (FerrySend *send, gint64 timeout, GError **error)
{
  FerrySender *self = send->sender;
  g_autoptr (GCancellable) cancellable = dup_cancellable (self);

  send->wait = (FerryWait){.index = self->index, .deadline = timeout};
  if (timeout > 0)
    send->wait.deadline = ferry_limit_clock_begin (&send->wait.clock, timeout);
  if (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!is_sendable (self))
    return refuse_ended (self, error);
  if (cancellable == NULL)
    return TRUE;
  send->wait.interrupted = is_cancelled;
  send->wait.data = g_steal_pointer (&cancellable);
  send->handler = g_cancellable_connect (send->wait.data, G_CALLBACK (cancelled_cb), self->uplink, NULL);
  return TRUE;
}

static void
end_waits (FerrySend *send)
{
  if (send->wait.data == NULL)
    return;
  g_cancellable_disconnect (send->wait.data, send->handler);
  g_object_unref (send->wait.data);
}

/* Returns how long a send may wait. Relaxed: a number alone. */
static gint64
get_timeout (FerrySender *self)
{
  return atomic_load_explicit (&self->timeout, memory_order_relaxed);
}

/* ---- messages larger than a record ----
 *
 * They are sent in a buffer if there is a spare one, or else in pieces. */

/* Sends a large record: for a message in that buffer or, without one, as the beginning of a message in pieces. */
static gboolean
begin_large (FerrySend *send, const FerryBufferMessage *buffer, GError **error)
{
  struct
  {
    FerryLargeMessage large;
    FerryBufferMessage buffer;
  } head = {.large = {.size = send->size, .kind = get_kind (send)}};

  if (buffer != NULL)
    head.buffer = *buffer;
  return send_record (send, FERRY_RECORD_LARGE, &head, buffer != NULL ? sizeof head : sizeof head.large, 0, error);
}

static gboolean
reserve_spare (const FerrySend *send, FerryBufferMessage *message)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;

  return arena != NULL && !send->sender->uplink->forked && ferry_arena_writer_open (arena, NULL) &&
         ferry_arena_writer_reserve_spare (arena, send->size, message);
}

/* Sends the place of a buffer of the arena, which stays mapped in this process: of the whole message, or of a buffer
 * with the message as its metadata. */
static gboolean
lend (FerrySend *send, const FerryBufferMessage *message, gboolean is_whole, GError **error)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;
  gboolean sent;

  ferry_arena_writer_set_sent (arena, message->number, TRUE);
  sent = is_whole ? begin_large (send, message, error)
                  : send_record (send, FERRY_RECORD_BUFFER, message, sizeof *message, send->size, error);
  if (!sent)
    ferry_arena_writer_set_sent (arena, message->number, FALSE);
  return sent;
}

static gboolean
send_in_buffer (FerrySend *send, const FerryBufferMessage *message, GError **error)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;

  store (send, arena->arena->memory + message->offset);
  if (lend (send, message, TRUE, error))
    return TRUE;
  ferry_arena_writer_give_back (arena, message->number);
  return FALSE;
}

/* The caller must have called ferry_uplink_begin_pieces(), since a link carries one message in pieces at a time. */
static gboolean
send_pieces (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  const guint8 *data = get_data (send);
  gsize sent = 0;

  if (!begin_large (send, NULL, error))
    return FALSE;
  while (sent < send->size)
    {
      gsize size = MIN (send->size - sent, FERRY_MAX_RECORD_PAYLOAD);

      if (!send_record (send, FERRY_RECORD_PIECE, data + sent, size, 0, error))
        {
          gboolean locked = ferry_uplink_lock (self->uplink);

          ferry_uplink_write_control_and_unlock (self->uplink, FERRY_RECORD_ABANDON, self->connection_id, locked);
          return FALSE;
        }
      sent += size;
    }
  return TRUE;
}

gboolean
ferry_sender_send_parts_in_buffer (FerrySender *self, const FerryPart *parts, guint n_parts)
{
  FerrySend send = {.sender = self, .parts = parts, .n_parts = n_parts, .wait = {.index = self->index, .deadline = 0}};
  FerryBufferMessage message;

  for (guint i = 0; i < n_parts; i++)
    send.size += parts[i].size;
  return send.size > FERRY_MAX_RECORD_PAYLOAD && send.size <= self->max_message_size && is_sendable (self) &&
         reserve_spare (&send, &message) && send_in_buffer (&send, &message, NULL);
}

static gboolean
send_large (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  FerryBufferMessage message;
  FerryWaitResult result;
  gboolean sent;

  if (send->size > self->max_message_size)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The message has %" G_GSIZE_FORMAT " bytes, and the router takes at most %" G_GUINT64_FORMAT
                            "; " FERRY_TOO_LARGE_REMEDY,
                            send->size, self->max_message_size);
  if (reserve_spare (send, &message))
    return send_in_buffer (send, &message, error);
  result = ferry_uplink_begin_pieces (self->uplink, &send->wait);
  if (result != FERRY_WAIT_READY)
    return refuse_wait (self, result, error);
  sent = send_pieces (send, error);
  ferry_uplink_end_pieces (self->uplink);
  return sent;
}

/* ---- latest values ----
 *
 * A value is written into the cell of the pipe, over the value before the last one. Sending never waits, and makes a
 * system call only for the first value after the reader has armed the cell. */

/* any: checks that a value fits into a cell. type_string is NULL for plain bytes. */
static gboolean
check_latest (const char *type_string, gsize size, GError **error)
{
  gsize type_length = type_string != NULL ? strlen (type_string) : 0;

  if (size <= FERRY_CELL_SLOT_SIZE && ferry_cell_value_size (type_length, size) <= FERRY_CELL_SLOT_SIZE)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "The message has %" G_GSIZE_FORMAT
                          " bytes, and a pipe for latest values takes at most %" G_GSIZE_FORMAT
                          " bytes of this type; send less, or open the pipe with FERRY_PIPE_QUEUED",
                          size, FERRY_CELL_SLOT_SIZE - ferry_cell_value_size (type_length, 0));
}

static gboolean
send_latest (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  guint64 serialised[FERRY_CELL_WORDS];
  gconstpointer data = serialised;
  FerryLinkControl *control;
  gboolean locked;
  gboolean due;

  if (!check_latest (get_type_string (send), send->size, error))
    return FALSE;
  if (self->uplink->forked)
    return refuse_wait (self, FERRY_WAIT_FORKED, error);
  if (send->variant != NULL)
    g_variant_store (send->variant, serialised);
  else
    data = get_data (send);
  locked = ferry_uplink_lock (self->uplink);
  if (!is_sendable (self))
    {
      ferry_uplink_unlock (self->uplink, locked);
      return refuse_ended (self, error);
    }
  due = ferry_cell_writer_write (&self->writer, get_type_string (send), data, send->size);
  ferry_uplink_unlock (self->uplink, locked);
  if (G_LIKELY (!due))
    return TRUE;
  /* Sequentially consistent: the bit is set after the value was written, and before the doorbell rings. */
  control = ferry_segment_get_control (&self->uplink->segment);
  atomic_fetch_or_explicit (&control->dirty, (guint64) 1 << self->cell, memory_order_seq_cst);
  ferry_doorbell_ring (self->uplink->doorbell);
  return TRUE;
}

/* ---- sending by the fast or the slow path ---- */

/* Sends a message by the slow path, or writes the value of a pipe for latest values into its cell. */
static gboolean
send_slowly (FerrySend *send, gint64 timeout, GError **error)
{
  FerrySender *self = send->sender;
  gboolean sent;

  if (!begin_waits (send, timeout, error))
    return FALSE;
  if (ferry_sender_is_latest (self))
    sent = send_latest (send, error);
  else if (send->size > FERRY_MAX_RECORD_PAYLOAD)
    sent = send_large (send, error);
  else
    sent = send_record (send, get_kind (send), NULL, 0, send->size, error);
  end_waits (send);
  g_free (send->joined);
  return sent;
}

/* any: sends the parts by the slow path. It is no part of its callers, so that the fast path has few registers to
 * save. */
static G_NO_INLINE gboolean
send_parts_slowly (FerrySender *self, const FerryPart *parts, guint n_parts, gsize size, gint64 timeout, GError **error)
{
  return send_slowly (&(FerrySend){.sender = self, .parts = parts, .n_parts = n_parts, .size = size}, timeout, error);
}

/**
 * ferry_sender_send_bytes:
 * @self: a sender
 * @data: (nullable) (array length=size) (element-type guint8): the message
 * @size: the size of @data in bytes
 * @error: return location for an error
 *
 * Sends a message of plain bytes. Any thread.
 *
 * Waits while the lane is full, so that senders cannot be faster than a slow receiver for long. The property
 * [property@Ferry.Sender:timeout] limits the wait, and [property@Ferry.Sender:cancellable] ends it. On the router's own
 * thread this function never waits. A message may have up to [property@Ferry.Router:max-message-size] bytes. A message
 * of more than 32,752 bytes may be sent in pieces, and messages of other senders may pass between the pieces. When
 * sending fails after some pieces, nothing of the message is delivered.
 *
 * On a pipe for latest values this function never waits, and the message becomes the newest value.
 * [flags@Ferry.PipeFlags] says what becomes of it, and how large it may be.
 *
 * Fails with:
 *
 * - %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED when the sender is not running
 * - %FERRY_ERROR_CLOSED when the pipe is closed
 * - %FERRY_ERROR_WOULD_BLOCK when it would have to wait and may not
 * - %FERRY_ERROR_TIMED_OUT when the time to wait is over, and %G_IO_ERROR_CANCELLED
 * - %FERRY_ERROR_TOO_LARGE
 * - %FERRY_ERROR_NOT_A_WORKER in a process that was forked from the worker
 *
 * Returns: %TRUE when the message was sent and will arrive
 */
gboolean
ferry_sender_send_bytes (FerrySender *self, gconstpointer data, gsize size, GError **error)
{
  if (G_UNLIKELY (!is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  if (G_LIKELY (is_quick (self, size) && send_parts_now (self, &(FerryPart){data, size}, 1, size)))
    return TRUE;
  return send_parts_slowly (self, &(FerryPart){data, size}, 1, size, get_timeout (self), error);
}

/* any: as ferry_sender_send_bytes(), for a message made of the given parts, one after the other, and with a timeout of
 * its own. */
gboolean
ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 timeout, GError **error)
{
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (G_LIKELY (is_quick (self, size) && send_parts_now (self, parts, n_parts, size)))
    return TRUE;
  return send_parts_slowly (self, parts, n_parts, size, timeout, error);
}

/* (transfer full): returns variant, or variant inside a “v” if there are too many types to announce its type, or its
 * string is too long. Half of the type numbers are kept free for threads that announce types at the same moment.
 * Returns NULL with an error for a value with too many levels. */
static GVariant *
box_where_needed (FerrySender *self, GVariant *variant, GError **error)
{
  const char *type_string = g_variant_get_type_string (variant);
  g_autoptr (GVariant) boxed = NULL;

  if (G_LIKELY (can_announce (self, type_string, FERRY_MAX_TYPES_PER_PIPE / 2) &&
                strlen (type_string) <= FERRY_MAX_TYPE_STRING))
    return G_LIKELY (ferry_depth_check (variant, error)) ? g_variant_ref (variant) : NULL;
  boxed = g_variant_ref_sink (g_variant_new_variant (variant));
  return ferry_depth_check (boxed, error) ? g_steal_pointer (&boxed) : NULL;
}

/**
 * ferry_sender_send:
 * @self: a sender
 * @message: the message; if its reference is floating, the function takes ownership
 * @error: return location for an error
 *
 * Sends a #GVariant. Otherwise this is the same as [method@Ferry.Sender.send_bytes], which says how it waits and lists
 * the errors. Any thread.
 *
 * The first message of a type announces the type, and all messages of that type carry a number instead of the type
 * string. A pipe can announce up to 127 types. A message of a further type, or of a type with a string of more than
 * 1,024 bytes, arrives inside a variant of type `v`.
 *
 * A message may have at most 64 levels: each array, maybe, tuple, dictionary entry and variant is one level, also
 * inside variants. Sending fails with %FERRY_ERROR_TOO_LARGE for a message with more levels, or with a type string of
 * more than 65,536 bytes inside a variant.
 *
 * Returns: %TRUE when the message was sent and will arrive
 */
gboolean
ferry_sender_send (FerrySender *self, GVariant *message, GError **error)
{
  g_autoptr (GVariant) taken = NULL;
  g_autoptr (GVariant) boxed = NULL;
  gsize size;

  if (G_UNLIKELY (!is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  taken = g_variant_ref_sink (message);
  boxed = box_where_needed (self, taken, error);
  if (G_UNLIKELY (boxed == NULL))
    return FALSE;
  size = g_variant_get_size (boxed);
  if (G_LIKELY (is_quick (self, size) && send_variant_now (self, boxed, size)))
    return TRUE;
  return send_slowly (&(FerrySend){.sender = self, .variant = boxed, .size = size}, get_timeout (self), error);
}

/* ---- serialised values ---- */

/* Sends a value of a type that cannot be announced, inside a “v”: its bytes, a zero byte and its type string. */
static gboolean
send_boxed (FerrySend *send, GError **error)
{
  gsize length = strlen (send->type_string);
  gsize size = send->size + 1 + length;
  g_autofree guint8 *bytes = g_malloc (size);
  FerrySend boxed = {
    .sender = send->sender, .type_string = "v", .parts = &(FerryPart){bytes, size}, .n_parts = 1, .size = size};

  store (send, bytes);
  bytes[send->size] = '\0';
  memcpy (bytes + send->size + 1, send->type_string, length);
  return ferry_depth_check_serialised ("v", 1, bytes, size, error) &&
         send_slowly (&boxed, get_timeout (send->sender), error);
}

/* On a pipe for latest values, which announces no types, adds the type so that find_type() finds it. The number of
 * types stays so low that none is boxed. */
static void
remember_type (FerrySender *self, const char *type_string)
{
  gboolean locked;

  if (!ferry_sender_is_latest (self) || !is_sendable (self))
    return;
  locked = ferry_uplink_lock (self->uplink);
  if (self->n_types + 1 < FERRY_MAX_TYPES_PER_PIPE / 2 && find_type (self, type_string) == 0)
    add_type_locked (self, type_string);
  ferry_uplink_unlock (self->uplink, locked);
}

static gboolean
send_serialised_slowly (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;

  send->type_string = send->shape->layout.string;
  if (can_announce (self, send->type_string, FERRY_MAX_TYPES_PER_PIPE / 2) &&
      strlen (send->type_string) <= FERRY_MAX_TYPE_STRING)
    return send_slowly (send, get_timeout (self), error);
  return send_boxed (send, error);
}

/* (transfer full) (nullable): returns the shape of a type that the sender has not met before. Returns NULL with an
 * error for a type with too many levels. */
static FerryShape *
make_shape (FerrySender *self, const GVariantType *type, GError **error)
{
  gsize length = g_variant_type_get_string_length (type);
  FerryShape *shape;

  if (!ferry_depth_check_serialised ((const char *) type, length, NULL, 0, error))
    return NULL;
  shape = ferry_shape_new ((const char *) type, length);
  remember_type (self, shape->layout.string);
  return shape;
}

/* any: as ferry_sender_send_serialised(), for any type. number: of the type, if it was announced; else 0. As
 * send_parts_slowly(), it is no part of its caller. */
static G_NO_INLINE gboolean
send_any_serialised (FerrySender *self, guint16 number, const FerryShape *shape, const FerryPart *part, GError **error)
{
  if (shape->has_variant && !ferry_depth_check_serialised (shape->layout.string, strlen (shape->layout.string),
                                                           part->data, part->size, error))
    return FALSE;
  if (number > 0 && is_quick (self, part->size) && send_serialised_now (self, number, shape, part->data, part->size))
    return TRUE;
  return send_serialised_slowly (
    &(FerrySend){.sender = self, .shape = shape, .parts = part, .n_parts = 1, .size = part->size}, error);
}

/**
 * ferry_sender_send_serialised:
 * @self: a sender
 * @type: the type of the message, a definite type
 * @data: (nullable) (array length=size) (element-type guint8): the message in the serialised form of #GVariant, in the
 *   byte order of the machine
 * @size: the size of @data in bytes; for a type of fixed size, that size
 * @error: return location for an error
 *
 * Sends a value without making a #GVariant of it, as fast as plain bytes. Otherwise this is the same as
 * [method@Ferry.Sender.send], which has the limits on types and levels. It waits and fails as
 * [method@Ferry.Sender.send_bytes] does. The receiver cannot tell this message from one that was sent as a #GVariant.
 * Any thread.
 *
 * A C struct with the members of a tuple of fixed size is a value of that type, as it lies in memory. A `struct {
 * guint32 count; guint64 bytes; double seconds; }` has the type `(utd)`. A boolean is one byte, 0 or 1. On 32-bit x86,
 * a member of 8 bytes needs `_Alignas (8)`. The padding of such a struct, and of those in an array, arrives as zeroes
 * whatever it was. Values of other types have the serialised form of #GVariant.
 *
 * G_VARIANT_TYPE() checks its string each time, which takes half as long as a send. Where that matters, cast a
 * constant: `(const GVariantType *) "(utd)"`.
 *
 * Only the size and the levels are checked here. What becomes of bytes that are not in normal form:
 * [method@Ferry.Receiver.set_serialised_handler].
 *
 * Returns: %TRUE when the message was sent and will arrive
 */
gboolean
ferry_sender_send_serialised (FerrySender *self, const GVariantType *type, gconstpointer data, gsize size,
                              GError **error)
{
  g_autoptr (FerryShape) made = NULL;
  const FerryShape *shape;
  guint16 number;

  if (G_UNLIKELY (!is_sender (self)))
    g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (type != NULL, FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);

  number = find_type (self, (const char *) type);
  shape = number > 0 ? self->types[number - 1] : NULL;
  if (G_LIKELY (shape != NULL && shape->kept != NULL && shape->fixed_size == size && is_quick (self, size) &&
                send_serialised_now (self, number, shape, data, size)))
    return TRUE;
  if (shape == NULL)
    {
      g_return_val_if_fail (g_variant_type_is_definite (type), FALSE);
      shape = made = make_shape (self, type, error);
    }
  if (shape == NULL)
    return FALSE;
  ferry_return_val_if_fail (shape->fixed_size == 0 || shape->fixed_size == size, FALSE,
                            "a value of the type %s has %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT
                            "; pass a struct with the same members",
                            shape->layout.string, shape->fixed_size, size);
  return send_any_serialised (self, number, shape, &(FerryPart){data, size}, error);
}

/* ---- one-shot buffers ----
 *
 * The memory of a one-shot buffer is sealed. Then its descriptor is sent over the control socket, and its record over
 * the lane, both with the lane locked. So descriptors arrive in the order of their records while several threads send.
 * No descriptor comes without its record, unless the process dies in between. Writing to the socket never blocks; when
 * the socket is full, the lane is unlocked before this thread waits. */

typedef enum
{
  SENT,
  NEEDS_ROOM,   /* the lane has no room, or the pipe is closed */
  NEEDS_GATE,   /* too many one-shot buffers are pending in the application */
  NEEDS_SOCKET, /* the control socket has no room */
  FAILED,       /* another failure, with an error number */
} Outcome;

/* Tries to send the descriptor of the memory, and then the record. Sets *error_number for FAILED. */
static Outcome
send_one_shot_now (FerrySend *send, FerryBuffer *buffer, int *error_number)
{
  FerrySender *self = send->sender;
  FerryUplink *uplink = self->uplink;
  FerryOneShotMessage message = {.size = buffer->message.size};
  FerryPlace place;

  if (!take_place (self, get_type_string (send), sizeof message + send->size, &place))
    return NEEDS_ROOM;
  ferry_lane_writer_look (&uplink->writer, 0);
  if (uplink->writer.head < ferry_uplink_get_memory_gate_locked (uplink))
    {
      ferry_uplink_unlock (uplink, place.locked);
      return NEEDS_GATE;
    }
  message.number = uplink->n_pending_memories + 1;
  *error_number = ferry_control_send_descriptor (uplink->control, buffer->memory);
  if (*error_number != 0)
    {
      ferry_uplink_unlock (uplink, place.locked);
      return *error_number == EAGAIN || *error_number == EWOULDBLOCK ? NEEDS_SOCKET : FAILED;
    }
  uplink->memory_ends[uplink->n_pending_memories % FERRY_MAX_PENDING_MEMORIES_PER_LINK] =
    uplink->writer.tail + place.size;
  uplink->n_pending_memories++;
  write_record_and_unlock (send, &place, FERRY_RECORD_ONE_SHOT, &message, sizeof message, send->size);
  return SENT;
}

/* Waits until the control socket has room. The application reads the socket, and closes it when the link ends. */
static FerryWaitResult
wait_for_socket (FerrySend *send)
{
  GCancellable *cancellable = send->wait.data;
  GPollFD cancel = {.fd = -1};
  gint64 left = -1;
  struct pollfd fds[2];

  if (send->wait.deadline == 0)
    return FERRY_WAIT_WOULD_BLOCK;
  if (send->wait.deadline > 0 && ferry_limit_clock_look (&send->wait.clock) >= send->wait.deadline)
    return FERRY_WAIT_TIMED_OUT;
  if (send->wait.deadline > 0)
    left = MAX (ferry_limit_clock_sleep (&send->wait.clock, send->wait.deadline) - g_get_monotonic_time (), 0) /
             FERRY_MICROSECONDS_PER_MILLISECOND +
           1;
  if (cancellable != NULL && !g_cancellable_make_pollfd (cancellable, &cancel))
    cancel.fd = -1;
  fds[0] = (struct pollfd){.fd = send->sender->uplink->control, .events = POLLOUT};
  fds[1] = (struct pollfd){.fd = cancel.fd, .events = POLLIN};
  poll (fds, G_N_ELEMENTS (fds), (int) MIN (left, G_MAXINT));
  if (cancel.fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_is_cancelled (cancellable))
    return FERRY_WAIT_INTERRUPTED;
  return FERRY_WAIT_READY;
}

static gboolean
send_one_shot (FerrySend *send, FerryBuffer *buffer, GError **error)
{
  gsize size = get_most_room (send, sizeof (FerryOneShotMessage) + send->size);
  FerryUplink *uplink = send->sender->uplink;
  int error_number = 0;
  Outcome outcome;

  if (!ferry_buffer_seal (buffer, error))
    return FALSE;
  while ((outcome = send_one_shot_now (send, buffer, &error_number)) != SENT)
    {
      FerryWaitResult result;

      if (outcome == FAILED)
        {
          if (error_number == EPIPE || error_number == ECONNRESET)
            return refuse_ended (send->sender, error);
          errno = error_number;
          return ferry_set_system_error (error, "Sending a buffer's memory (sendmsg)");
        }
      if (outcome == NEEDS_ROOM && !wait_for_room (send, size, error))
        return FALSE;
      if (outcome == NEEDS_ROOM)
        continue;
      result =
        outcome == NEEDS_GATE ? ferry_uplink_wait_for_pending_memory (uplink, &send->wait) : wait_for_socket (send);
      if (result != FERRY_WAIT_READY)
        return refuse_wait (send->sender, result, error);
    }
  ferry_buffer_drop_one_shot (buffer);
  return TRUE;
}

/* ---- buffers ---- */

static gboolean
check_can_have_buffers (FerrySender *self, gsize size, GError **error)
{
  FerryArenaWriter *arena;

  if (!is_sendable (self))
    return refuse_ended (self, error);
  arena = self->uplink->arena;
  if (ferry_sender_is_latest (self))
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                     "A pipe for latest values carries no buffers; open a pipe without FERRY_PIPE_LATEST");
  else if (arena == NULL)
    ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                     "The link has no memory for buffers; give it some with FerryLauncher:buffer-capacity");
  else if (size > ferry_arena_writer_get_capacity (arena))
    ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                     "A buffer of %" G_GSIZE_FORMAT
                     " bytes is too large, as all buffers of the link may have %" G_GSIZE_FORMAT
                     " bytes together; allow more with FerryLauncher:buffer-capacity",
                     size, ferry_arena_writer_get_capacity (arena));
  else
    return has_one_shots (self) || ferry_arena_writer_open (arena, error);
  return FALSE;
}

/**
 * ferry_sender_create_buffer:
 * @self: a sender
 * @size: the size of the buffer in bytes, at least 1
 * @error: return location for an error
 *
 * Makes a buffer in memory that both processes have mapped, to be filled and then sent with
 * [method@Ferry.Sender.send_buffer]. Any thread.
 *
 * All buffers of a worker together may have at most [property@Ferry.Launcher:buffer-capacity] bytes. A worker may have
 * at most 64 buffers at a time. When there is no room, this function waits until the application drops a buffer, or
 * this process frees one. It waits as [method@Ferry.Sender.send_bytes] waits for room in the lane. So a thread must not
 * wait for room while it holds the buffers that take the room. On the router's own thread this function never waits.
 *
 * On a pipe with one-shot buffers ([flags@Ferry.PipeFlags]) of a worker, each buffer gets its own new memory, at most
 * as large as that capacity. Such a buffer uses a descriptor until it is sent, and this function does not wait.
 *
 * Fails as [method@Ferry.Sender.send_bytes] does. Also fails with %FERRY_ERROR_BAD_ARGUMENTS on a pipe for latest
 * values, and with %FERRY_ERROR_SYSTEM when there is no address space or no descriptor for the buffer.
 *
 * Returns: (transfer full) (nullable): a buffer, or %NULL with an error
 */
FerryBuffer *
ferry_sender_create_buffer (FerrySender *self, gsize size, GError **error)
{
  FerrySend send = {.sender = self};
  FerryBufferMessage message;
  FerryWaitResult result;

  g_return_val_if_fail (FERRY_IS_SENDER (self), NULL);
  g_return_val_if_fail (size > 0, NULL);

  if (!check_can_have_buffers (self, size, error) || !begin_waits (&send, get_timeout (self), error))
    return NULL;
  if (has_one_shots (self) && !self->uplink->forked)
    {
      end_waits (&send);
      return ferry_buffer_new_one_shot (self->uplink, size, error);
    }
  result = ferry_uplink_reserve_buffer (self->uplink, &send.wait, size, &message);
  end_waits (&send);
  if (result == FERRY_WAIT_READY)
    return ferry_buffer_new (self->uplink, &message);
  if (result == FERRY_WAIT_WOULD_BLOCK || result == FERRY_WAIT_TIMED_OUT)
    ferry_set_error (
      error, result == FERRY_WAIT_WOULD_BLOCK ? FERRY_ERROR_WOULD_BLOCK : FERRY_ERROR_TIMED_OUT,
      "There is no room for a buffer of %" G_GSIZE_FORMAT " bytes now; make the application drop buffers", size);
  else
    refuse_wait (self, result, error);
  return NULL;
}

/* ---- the buffers of jobs, which become whole messages ---- */

static gboolean
may_share (FerrySender *self, gsize size)
{
  FerryArenaWriter *arena = self->uplink->arena;

  return size > FERRY_MAX_RECORD_PAYLOAD && size <= self->max_message_size && arena != NULL && is_sendable (self) &&
         size <= ferry_arena_writer_get_capacity (arena) && !self->uplink->forked &&
         ferry_arena_writer_open (arena, NULL);
}

FerryBuffer *
ferry_sender_create_job_buffer (FerrySender *self, gsize size, GError **error)
{
  FerryWait no_wait = {.index = self->index, .deadline = 0};
  FerryBufferMessage message;

  if (size <= G_MAXSIZE - FERRY_BUFFER_HEAD && may_share (self, size + FERRY_BUFFER_HEAD) &&
      ferry_uplink_reserve_buffer (self->uplink, &no_wait, size + FERRY_BUFFER_HEAD, &message) == FERRY_WAIT_READY)
    return ferry_buffer_new_for_job (self->uplink, &message);
  return ferry_buffer_new_on_heap (size, error);
}

gboolean
ferry_sender_send_job_buffer (FerrySender *self, const FerryPart *parts, guint n_parts, FerryBuffer *buffer,
                              GError **error)
{
  FerrySend send = {.sender = self, .parts = parts, .n_parts = n_parts};
  FerryBufferMessage message = buffer->message;
  gsize head = 0;
  gboolean sent;

  for (guint i = 0; i + 1 < n_parts; i++)
    head += parts[i].size;
  send.size = head + parts[n_parts - 1].size;
  /* A buffer that was made smaller may fit into a record, where a large message must not be. */
  if (buffer->uplink != self->uplink || head != FERRY_BUFFER_HEAD || !may_share (self, send.size))
    return ferry_sender_send_parts (self, parts, n_parts, -1, error);
  for (guint i = 0; i + 1 < n_parts; i++)
    {
      memcpy (buffer->data - head, parts[i].data, parts[i].size);
      head -= parts[i].size;
    }
  if (!begin_waits (&send, -1, error))
    return FALSE;
  /* The place of a job's buffer, from the head on. */
  message.size = send.size;
  sent = lend (&send, &message, TRUE, error);
  end_waits (&send);
  if (sent)
    buffer->data = NULL;
  return sent;
}

static gboolean
check_fits (FerrySend *send, const FerryBuffer *buffer, GError **error)
{
  if (ferry_buffer_is_one_shot (buffer) != has_one_shots (send->sender))
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The buffer was made by a sender of another kind of pipe; send one-shot buffers through pipes "
      "that were opened with FERRY_PIPE_ONE_SHOT_BUFFERS, and other buffers through other pipes");
  if (send->size <= FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "The metadata of a buffer has %" G_GSIZE_FORMAT " bytes, and at most %" G_GSIZE_FORMAT
                          " are allowed; put the data into the buffer",
                          send->size, FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage));
}

/**
 * ferry_sender_send_buffer:
 * @self: the sender that made @buffer, or another sender of the same worker
 * @metadata: (nullable): data that is sent with the buffer, up to 32,728 bytes in serialised form; if its reference is
 *   floating, the function takes ownership
 * @buffer: a buffer that was not sent
 * @error: return location for an error
 *
 * Sends a buffer. It arrives in order with the sender's other messages, with [signal@Ferry.Receiver::buffer]. The
 * application uses its memory until it drops the buffer; the caller must not write to the memory any more. Any thread.
 *
 * Waits while the lane is full, as [method@Ferry.Sender.send_bytes] does. When sending fails, the buffer is unchanged
 * and can be sent again; a one-shot buffer can be read then, but not written. A worker may have at most 16 one-shot
 * buffers on their way at a time.
 *
 * Fails as [method@Ferry.Sender.send_bytes] does. Fails with %FERRY_ERROR_BAD_ARGUMENTS for a one-shot buffer on
 * a pipe without %FERRY_PIPE_ONE_SHOT_BUFFERS, or for another buffer on a pipe with that flag. Fails with
 * %FERRY_ERROR_SYSTEM when a one-shot buffer cannot be sealed, because its memory is mapped a second time or is being
 * written to.
 *
 * Returns: %TRUE when the buffer was sent and will arrive
 */
gboolean
ferry_sender_send_buffer (FerrySender *self, GVariant *metadata, FerryBuffer *buffer, GError **error)
{
  g_autoptr (GVariant) taken = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;
  g_autoptr (GVariant) boxed = NULL;
  FerrySend send = {.sender = self};
  gboolean sent;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (buffer != NULL, FALSE);
  ferry_return_val_if_fail (buffer->data != NULL, FALSE,
                            "the buffer was sent already; make another buffer with ferry_sender_create_buffer()");
  ferry_return_val_if_fail (!buffer->is_job, FALSE,
                            "the buffer is a job's result; return it with ferry_job_return_buffer()");
  ferry_return_val_if_fail (self->uplink == NULL || buffer->uplink == self->uplink, FALSE,
                            "the buffer was made for another worker's link; send it with the sender that made it");

  if (!is_sendable (self))
    return refuse_ended (self, error);
  boxed = taken != NULL ? box_where_needed (self, taken, error) : NULL;
  if (taken != NULL && boxed == NULL)
    return FALSE;
  send.variant = boxed;
  send.size = boxed != NULL ? g_variant_get_size (boxed) : 0;
  if (!check_fits (&send, buffer, error) || !begin_waits (&send, get_timeout (self), error))
    return FALSE;
  sent = ferry_buffer_is_one_shot (buffer) ? send_one_shot (&send, buffer, error)
                                           : lend (&send, &buffer->message, FALSE, error);
  end_waits (&send);
  if (sent)
    buffer->data = NULL;
  return sent;
}

/* ---- start and stop ---- */

static gboolean
stop_locked (FerrySender *self, gboolean locked)
{
  atomic_store_explicit (&self->state, FERRY_SENDER_STOPPED, memory_order_relaxed);
  return ferry_uplink_write_control_and_unlock (self->uplink, FERRY_RECORD_STOP, self->connection_id, locked);
}

/* Closes the pipe of a new sender, and makes the router's thread notify the receiver. */
static void
give_up_pipe (FerrySender *self)
{
  g_autoptr (FerryReceiver) receiver = NULL;

  if (self->pipe == NULL || ferry_pipe_is_closed (self->pipe) || !ferry_pipe_close (self->pipe))
    return;
  receiver = g_weak_ref_get (&self->receiver);
  if (receiver != NULL)
    ferry_receiver_end (receiver);
}

static void
ferry_sender_dispose (GObject *object)
{
  FerrySender *self = FERRY_SENDER (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  if (get_state (self) == FERRY_SENDER_NEW)
    give_up_pipe (self);
  if (get_state (self) == FERRY_SENDER_STARTED)
    stop_locked (self, ferry_uplink_lock (self->uplink));

  G_OBJECT_CLASS (ferry_sender_parent_class)->dispose (object);
}

static void
ferry_sender_finalize (GObject *object)
{
  FerrySender *self = FERRY_SENDER (object);

  for (guint i = 0; i < self->n_types; i++)
    ferry_shape_free (self->types[i]);
  g_clear_pointer (&self->uplink, ferry_uplink_unref);
  g_clear_pointer (&self->pipe, ferry_pipe_unref);
  g_weak_ref_clear (&self->receiver);
  g_clear_object (&self->cancellable);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (ferry_sender_parent_class)->finalize (object);
}

static void
ferry_sender_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerrySender *self = FERRY_SENDER (object);

  if (property_id == PROP_CONNECTION_ID)
    g_value_set_uint64 (value, self->connection_id);
  else if (property_id == PROP_TIMEOUT)
    g_value_set_int64 (value, get_timeout (self));
  else
    g_value_take_object (value, dup_cancellable (self));
}

/* The fast path looks at no cancellable, so a sender that has one takes the slow path. */
static void
choose_path (FerrySender *self)
{
  gboolean has_cancellable = self->cancellable != NULL;
  gboolean is_slow = self->uplink == NULL || ferry_sender_is_latest (self) || has_cancellable;

  atomic_store_explicit (&self->has_cancellable, has_cancellable, memory_order_relaxed);
  atomic_store_explicit (&self->quick_limit, is_slow ? 0 : FERRY_MAX_RECORD_PAYLOAD + 1, memory_order_relaxed);
}

static void
ferry_sender_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerrySender *self = FERRY_SENDER (object);
  gboolean is_changed;

  if (property_id == PROP_TIMEOUT)
    {
      gint64 timeout = g_value_get_int64 (value);

      is_changed = atomic_exchange_explicit (&self->timeout, timeout, memory_order_relaxed) != timeout;
    }
  else
    {
      g_mutex_lock (&self->lock);
      is_changed = g_set_object (&self->cancellable, g_value_get_object (value));
      choose_path (self);
      g_mutex_unlock (&self->lock);
    }
  if (is_changed)
    g_object_notify_by_pspec (object, pspec);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * FerrySender:connection-id:
   *
   * The connection id of the pipe; the pipe's receiver has the same id.
   */
  properties[PROP_CONNECTION_ID] = g_param_spec_uint64 ("connection-id", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerrySender:timeout:
   *
   * How long each send and each new buffer may wait for room, in microseconds. With -1, the default, there is no limit.
   * With 0, they do not wait, and fail with %FERRY_ERROR_WOULD_BLOCK. Holds for what begins afterwards, on all threads.
   * Any thread.
   */
  properties[PROP_TIMEOUT] = g_param_spec_int64 ("timeout", NULL, NULL, -1, G_MAXINT64, -1, FERRY_SETTABLE);

  /**
   * FerrySender:cancellable:
   *
   * Ends the waits of sends and of new buffers, which then fail with %G_IO_ERROR_CANCELLED, as all that begin while it
   * is cancelled. %NULL by default; a sender without one is faster. Holds for what begins afterwards, on all threads.
   * Any thread.
   */
  properties[PROP_CANCELLABLE] = g_param_spec_object ("cancellable", NULL, NULL, G_TYPE_CANCELLABLE, FERRY_SETTABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_sender_class_init (FerrySenderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  sender_type = G_TYPE_FROM_CLASS (klass);
  object_class->dispose = ferry_sender_dispose;
  object_class->finalize = ferry_sender_finalize;
  object_class->get_property = ferry_sender_get_property;
  object_class->set_property = ferry_sender_set_property;
  install_properties (object_class);
}

static void
ferry_sender_init (FerrySender *self)
{
  self->fork_number = ferry_forks_note ();
  atomic_init (&self->timeout, -1);
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->receiver, NULL);
}

/* router's thread: makes the sender of a new pipe. */
FerrySender *
ferry_sender_new (FerryPipe *pipe)
{
  FerrySender *self = g_object_new (FERRY_TYPE_SENDER, NULL);

  self->connection_id = pipe->connection_id;
  g_weak_ref_set (&self->receiver, pipe->receiver);
  self->pipe = ferry_pipe_ref (pipe);
  self->max_message_size = pipe->max_message_size;
  self->cell = (pipe->flags & FERRY_PIPE_LATEST) != 0 ? 0 : FERRY_NO_CELL;
  self->one_shot = (pipe->flags & FERRY_PIPE_ONE_SHOT_BUFFERS) != 0;
  return self;
}

static void
set_uplink (FerrySender *self, FerryUplink *uplink)
{
  g_mutex_lock (&self->lock);
  self->uplink = ferry_uplink_ref (uplink);
  if (ferry_sender_is_latest (self))
    ferry_cell_writer_init (&self->writer, &uplink->segment.cells[self->cell]);
  choose_path (self);
  g_mutex_unlock (&self->lock);
}

/* worker: makes a sender that was passed to this process. cell: the cell's number, or FERRY_NO_CELL. flags: of the
 * grant. */
FerrySender *
ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell, guint32 flags)
{
  FerrySender *self = g_object_new (FERRY_TYPE_SENDER, NULL);

  self->connection_id = connection_id;
  self->index = index;
  self->one_shot = (flags & FERRY_GRANT_ONE_SHOT) != 0;
  self->cell = cell;
  set_uplink (self, uplink);
  self->max_message_size = uplink->max_message_size;
  return self;
}

/* router's thread: checks that the sender can be passed to a worker now. */
gboolean
ferry_sender_can_be_passed (FerrySender *self, GError **error)
{
  FerrySenderState state = get_state (self);

  return (state == FERRY_SENDER_NEW && self->pipe != NULL) || refuse_state (state, error);
}

/* router's thread: checks that the sender's pipe belongs to the router that has this monitor. */
gboolean
ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error)
{
  if (self->pipe != NULL && self->pipe->monitor == monitor)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The sender %" G_GUINT64_FORMAT
                          " belongs to another router, or its pipe was opened before this router was stopped; "
                          "open a pipe with the running router",
                          self->connection_id);
}

/* router's thread: marks the sender as passed to a worker. It cannot be used in this process any more. */
gboolean
ferry_sender_pass (FerrySender *self, GError **error)
{
  if (!ferry_sender_can_be_passed (self, error))
    return FALSE;
  /* Another thread may have started the sender meanwhile. */
  if (!ferry_pipe_take (self->pipe))
    return ferry_sender_can_be_passed (self, error) && refuse_closed (self, error);
  atomic_store_explicit (&self->state, FERRY_SENDER_PASSED, memory_order_release);
  return TRUE;
}

gboolean
ferry_sender_is_new (FerrySender *self)
{
  return get_state (self) == FERRY_SENDER_NEW;
}

gboolean
ferry_sender_is_latest (FerrySender *self)
{
  return self->cell != FERRY_NO_CELL;
}

gboolean
ferry_sender_is_one_shot (FerrySender *self)
{
  return self->one_shot;
}

/* const once the sender has an uplink: returns the pipe's index in the pipe table of the uplink. */
guint
ferry_sender_get_index (FerrySender *self)
{
  return self->index;
}

/* (transfer none) (nullable): returns the uplink, which is set once, before the sender is started. */
FerryUplink *
ferry_sender_get_uplink (FerrySender *self)
{
  return self->uplink;
}

/* const: (transfer none) (nullable): returns the pipe, whose main fields are the router's; NULL in a worker. */
FerryPipe *
ferry_sender_get_pipe (FerrySender *self)
{
  return self->pipe;
}

/* Makes a link for a sender in the application, with both ends in this process. */
static gboolean
start_locally (FerrySender *self, GError **error)
{
  g_autoptr (FerryUplink) uplink = NULL;
  g_autoptr (FerryLink) link = ferry_pipe_new_link (self->pipe, "local sender", error);

  if (link == NULL)
    return FALSE;
  link->local = link->trusted = TRUE;
  uplink = ferry_uplink_new_local (link, self->pipe->router_thread, error);
  if (uplink == NULL)
    return FALSE;
  ferry_clear_fd (&link->memory);
  if (!ferry_pipe_take (self->pipe))
    return refuse_closed (self, error);
  if (!ferry_pipe_add_link (self->pipe, link, error))
    return FALSE;
  set_uplink (self, uplink);
  return TRUE;
}

/**
 * ferry_sender_start:
 * @self: a sender
 * @error: return location for an error
 *
 * Starts the sender, which can then send messages. A sender must be started only once. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_STARTED when the sender was started or passed to a worker before;
 * %FERRY_ERROR_STOPPED when it was stopped; %FERRY_ERROR_CLOSED when the pipe is closed; and %FERRY_ERROR_SYSTEM when
 * the system cannot give it memory or descriptors.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_sender_start (FerrySender *self, GError **error)
{
  gint is_new = FERRY_SENDER_NEW;
  FerrySenderState state;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  state = get_state (self);
  if (state != FERRY_SENDER_NEW)
    return refuse_state (state, error);
  if (self->uplink == NULL && !start_locally (self, error))
    return FALSE;
  /* Release: pairs with get_state(), so that uplink is visible to a thread that reads STARTED. */
  if (atomic_compare_exchange_strong_explicit (&self->state, &is_new, FERRY_SENDER_STARTED, memory_order_release,
                                               memory_order_relaxed))
    return TRUE;
  return refuse_state ((FerrySenderState) is_new, error);
}

/**
 * ferry_sender_stop:
 * @self: a sender
 * @error: return location for an error
 *
 * Stops the sender: the receiver emits `closed` with the reason %FERRY_CLOSE_REASON_STOPPED after the last message.
 * This function never waits, even when the lane is full. Any thread.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED when the sender is not started or was stopped before.
 * Fails with %FERRY_ERROR_PROTOCOL when the other end has damaged the lane.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_sender_stop (FerrySender *self, GError **error)
{
  FerrySenderState state;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  state = get_state (self);
  if (state == FERRY_SENDER_STARTED)
    {
      gboolean locked = ferry_uplink_lock (self->uplink);

      state = get_state (self);
      if (state == FERRY_SENDER_STARTED)
        return stop_locked (self, locked) || refuse_wait (self, FERRY_WAIT_BROKEN, error);
      ferry_uplink_unlock (self->uplink, locked);
    }
  return refuse_state (state, error);
}

/* worker, any thread: stops a sender that was granted, also one that was never started and must not be started any
 * more. */
void
ferry_sender_end (FerrySender *self)
{
  gint state = FERRY_SENDER_NEW;

  /* Relaxed: no other data goes with the state. */
  if (!atomic_compare_exchange_strong_explicit (&self->state, &state, FERRY_SENDER_STOPPED, memory_order_relaxed,
                                                memory_order_relaxed))
    ferry_sender_stop (self, NULL);
}

/* const: returns the connection id of the pipe. */
guint64
ferry_sender_get_connection_id (FerrySender *self)
{
  return self->connection_id;
}
