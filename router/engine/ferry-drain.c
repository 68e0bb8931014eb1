/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Takes the records of one link out of its lane: checks and copies each, and queues what it carries, or hands it to a
 * thread that waits for it. Gives back memory of links whose lane carries nothing for a while.
 *
 * Small records are copied into a block, many at a time. A piece of a large message is copied directly to its place in
 * the memory of the whole message. So all bytes are copied once only.
 *
 * A trusted worker's buffer is passed on without a copy, unless a value in it is checked. The buffer of a worker that
 * is not trusted is copied into private memory first. Each visit copies a part, so that other links are visited in
 * between. The records behind the buffer in the lane wait until the copy is complete.
 *
 * Owner:     the monitor.
 * Threads:   that which holds the drain lock.
 * Trust:     a worker may change the bytes of a lane at any time. So the drain copies them first, and checks and uses
 *            only the copy. A record that fails a check ends the link: the records before it are delivered, and no
 *            record after it is. */

#include "config.h"

#include "engine/ferry-drain-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-call-judgement-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-layout-private.h"

/* The most pieces of a large message that are taken in one visit, so that other links are visited in between. */
#define PIECES_PER_VISIT 4

/* The pingee is pinged after this many blocks, or when all lanes are drained. With a ping for each block, a fast main
 * context would wake up and go back to sleep for each block. */
#define BLOCKS_PER_PING 4

/* The bytes allocated at first for a large message. More are allocated as pieces arrive: a worker may send none. */
#define FIRST_ALLOCATION (1024 * 1024)

/* How many bytes of a buffer are copied in one visit. */
#define COPY_PER_VISIT ((gsize) 1024 * 1024)

/* Where the copy of one visit takes as long as this, another thread makes this many that follow. Each time that it
 * happens again, these are twice as many. A copy takes 0.1 ms, unless the worker makes page faults last, or the thread
 * loses its processor. */
#define SLOW_COPY_MICROSECONDS 10000
#define FIRST_COPIES_ASIDE 64
#define MOST_COPIES_ASIDE (1 << 20)

/* A link that carried this many bytes, or a buffer, gives memory back when it is idle again. */
#define TIDY_FROM ((guint64) FERRY_BLOCK_SIZE)

/* A lane that carried this many bytes is given back as soon as it is idle: from one look to the next, which comes after
 * this time in microseconds. What a flood has touched is up to the whole lane; a fresh page takes 0.5 us. */
#define MUCH ((guint64) 256 * 1024)
#define SOON 200000

/* Grants a link the use of a connection id: records of that pipe are accepted from that link only. */
typedef struct
{
  guint64 connection_id;
  FerryLink *link;    /* (unowned) */
  guint index;        /* of the pipe in the link's pipe table */
  guint n_types;      /* how many types the worker has announced */
  gboolean done;      /* the pipe's stop record was drained, or the application closed the pipe */
  GPtrArray *checked; /* (nullable) (owned) (element-type FerryLayout) (nullable elements): by type number, the types
                         that ferry_layout_is_checked(); NULL for other types */
} Grant;

struct _FerryDrain
{
  FerrySharedQueue *shared; /* (unowned), as the next two */
  FerryLocalQueue *local;
  FerryPingee *pingee;
  GArray *grants;                /* (element-type Grant), by the slot of the connection id */
  gint64 spare_time;             /* const: microseconds */
  gint64 tidy_at;                /* monotonic time at which unused memory is given back; 0: never */
  gint64 soon_at;                /* the same for lanes that carried much */
  guint n_unpinged;              /* blocks that were pushed since the latest ping */
  gboolean pings;                /* FALSE while the main loop drains, which then dispatches at once */
  _Atomic guint64 n_handed_over; /* any thread loads it: answers that were handed to threads */
};

FerryDrain *
ferry_drain_new (FerrySharedQueue *shared, FerryLocalQueue *local, FerryPingee *pingee, gint64 spare_time)
{
  FerryDrain *self = g_new0 (FerryDrain, 1);

  self->shared = shared;
  self->local = local;
  self->pingee = pingee;
  self->grants = g_array_new (FALSE, TRUE, sizeof (Grant));
  self->spare_time = spare_time;
  self->pings = TRUE;
  return self;
}

void
ferry_drain_free (FerryDrain *self)
{
  g_array_unref (self->grants);
  g_free (self);
}

/* ---- grants: which pipes a link may use ---- */

/* (nullable): returns the grant of a connection id. */
static Grant *
find_entry (FerryDrain *self, guint64 connection_id)
{
  guint slot = ferry_connection_id_get_slot (connection_id);
  Grant *entry = slot < self->grants->len ? &g_array_index (self->grants, Grant, slot) : NULL;

  return entry != NULL && entry->connection_id == connection_id ? entry : NULL;
}

/* (nullable): returns the grant of a connection id on link. */
static Grant *
find_grant (FerryDrain *self, FerryLink *link, guint64 connection_id)
{
  Grant *entry = find_entry (self, connection_id);

  return entry != NULL && entry->link == link ? entry : NULL;
}

/* Grants the link the use of its pipes' connection ids. */
void
ferry_drain_grant (FerryDrain *self, FerryLink *link)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (link->connection_ids, guint64, i);
      guint slot = ferry_connection_id_get_slot (connection_id);

      if (slot >= self->grants->len)
        g_array_set_size (self->grants, slot + 1);
      g_array_index (self->grants, Grant, slot) = (Grant){connection_id, link, i, 0, FALSE, NULL};
    }
}

/* Removes the grants of a link that has ended. */
void
ferry_drain_revoke (FerryDrain *self, FerryLink *link)
{
  for (guint i = 0; i < link->connection_ids->len; i++)
    {
      guint64 connection_id = g_array_index (link->connection_ids, guint64, i);
      Grant *entry = find_grant (self, link, connection_id);

      if (entry == NULL)
        continue;
      g_clear_pointer (&entry->checked, g_ptr_array_unref);
      *entry = (Grant){0};
    }
}

static void
set_done (Grant *grant)
{
  grant->link->n_done += !grant->done;
  grant->done = TRUE;
}

/* Marks a pipe that the application closed as done. Returns its link (NULL when that has ended), and sets *index to its
 * place in the link's pipe table. */
FerryLink *
ferry_drain_end_pipe (FerryDrain *self, guint64 connection_id, guint *index)
{
  Grant *entry = find_entry (self, connection_id);

  if (entry == NULL)
    return NULL;
  set_done (entry);
  *index = entry->index;
  return entry->link;
}

/* (nullable): returns the type of a message if its value is checked. number: of the type; 0 for plain bytes. */
static inline const FerryLayout *
get_checked_type (const Grant *grant, guint16 number)
{
  return number > 0 && grant->checked != NULL ? g_ptr_array_index (grant->checked, number - 1) : NULL;
}

/* Returns what is wrong with the value of a message, as ferry_value_verdict_to_fault(), or NULL. */
static inline const char *
find_value_fault (const Grant *grant, guint16 number, gconstpointer data, gsize size)
{
  const FerryLayout *type = get_checked_type (grant, number);
  FerryValueVerdict verdict = G_LIKELY (type == NULL) ? FERRY_VALUE_GOOD : ferry_layout_check (type, data, size);

  return G_LIKELY (verdict == FERRY_VALUE_GOOD) ? NULL : ferry_value_verdict_to_fault (verdict);
}

/* ---- threads that wait for answers ----
 *
 * An answer that a thread waits for is handed to that thread when its record is taken. It does not go to the router's
 * thread, which may be at work for long, or wait for that very thread. */

/* any: returns how many answers were handed over. */
guint64
ferry_drain_get_n_handed_over (FerryDrain *self)
{
  /* Relaxed, as all accesses: a count. */
  return atomic_load_explicit (&self->n_handed_over, memory_order_relaxed);
}

static gboolean
count_handed_over (FerryDrain *self)
{
  atomic_fetch_add_explicit (&self->n_handed_over, 1, memory_order_relaxed);
  return TRUE;
}

/* Hands over answers among size bytes of records, which are whole and private, and closes the gaps. Returns how many
 * bytes are left. */
static gsize
hand_over_copied (FerryDrain *self, FerryLink *link, guint8 *data, gsize size)
{
  FerryAnswerPass pass;
  gsize kept = 0;
  gsize record_size;

  if (G_LIKELY (!ferry_answer_waits_has_any (&link->waits)))
    return size;
  ferry_answer_pass_begin (&pass, &link->waits);
  for (gsize offset = 0; offset < size; offset += record_size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (data + offset);

      record_size = ferry_record_size (header->length);
      if (!ferry_answer_pass_take (&pass, header, (const guint8 *) (header + 1), TRUE))
        {
          memmove (data + kept, data + offset, record_size);
          kept += record_size;
          continue;
        }
      count_handed_over (self);
    }
  ferry_answer_pass_end (&pass);
  return kept;
}

/* Hands the next record of the lane over, where it lies. */
static gboolean
take_next (FerryDrain *self, FerryLink *link, FerryAnswerPass *pass)
{
  FerryLaneReader *lane = &link->up;
  const guint8 *payload = ferry_lane_reader_get_place (lane) + sizeof (FerryRecordHeader);
  FerryRecordHeader header;
  const Grant *grant;

  if (ferry_lane_reader_get_available (lane) < sizeof header)
    return FALSE;
  memcpy (&header, ferry_lane_reader_get_place (lane), sizeof header);
  grant = find_grant (self, link, header.connection_id);
  if (header.length > FERRY_MAX_RECORD_PAYLOAD ||
      ferry_record_size (header.length) > ferry_lane_reader_get_available (lane) || grant == NULL || grant->done ||
      !ferry_answer_pass_take (pass, &header, payload, FALSE))
    return FALSE;
  ferry_lane_reader_consume (lane, ferry_record_size (header.length));
  return count_handed_over (self);
}

/* Takes the next records, up to one that no thread waits for, without a copy of the others. Returns whether it took as
 * much as it may in one visit. */
static gboolean
hand_over_next (FerryDrain *self, FerryLink *link)
{
  const guint64 head = link->up.head;
  FerryAnswerPass pass;

  if (link->tail_final || !ferry_answer_waits_has_any (&link->waits))
    return FALSE;
  ferry_answer_pass_begin (&pass, &link->waits);
  while (link->up.head - head < FERRY_BLOCK_SIZE &&
         (ferry_lane_reader_get_available (&link->up) > 0 || ferry_lane_reader_look (&link->up)) &&
         take_next (self, link, &pass))
    ;
  ferry_answer_pass_end (&pass);
  return link->up.head - head >= FERRY_BLOCK_SIZE;
}

/* Hands over a large message, and gives the block back. Returns FALSE if no thread waits for it. */
static gboolean
hand_over_large (FerryDrain *self, FerryBlock *block)
{
  g_autoptr (GBytes) whole = NULL;
  FerryAnswerPass pass;
  gboolean taken;

  if (block->kind != FERRY_BLOCK_LARGE || block->message_kind != FERRY_RECORD_BYTES ||
      !ferry_answer_waits_has_any (&block->link->waits))
    return FALSE;
  if (block->buffer == NULL)
    block->buffer = ferry_local_queue_keep (self->local, block);
  whole = g_bytes_ref (block->buffer);
  ferry_answer_pass_begin (&pass, &block->link->waits);
  taken = ferry_answer_pass_take_whole (&pass, block->connection_id, whole, block->verdict,
                                        ferry_local_queue_may_keep (self->local, block->link));
  ferry_answer_pass_end (&pass);
  if (!taken)
    return FALSE;
  count_handed_over (self);
  /* It was not pushed. */
  block->charge = block->share = 0;
  ferry_local_queue_give_back (self->local, block);
  return TRUE;
}

/* ---- blocks for the router's thread ---- */

void
ferry_drain_push (FerryDrain *self, FerryBlock *block)
{
  if (hand_over_large (self, block))
    return;
  if (block->kind <= FERRY_BLOCK_BUFFER)
    block->up_head = block->link->up.head;
  ferry_local_queue_push (self->local, block);
  if (++self->n_unpinged == BLOCKS_PER_PING)
    ferry_drain_ping (self);
}

/* Pings the pingee, if blocks were pushed since the latest ping. */
void
ferry_drain_ping (FerryDrain *self)
{
  if (self->n_unpinged == 0)
    return;
  self->n_unpinged = 0;
  if (self->pings)
    ferry_pingee_ping (self->pingee);
}

void
ferry_drain_set_pings (FerryDrain *self, gboolean pings)
{
  self->pings = pings;
}

/* ---- unused memory ---- */

/* Returns the monotonic time at which ferry_drain_tidy() has something to do, or G_MAXINT64 for never. */
gint64
ferry_drain_get_tidy_time (FerryDrain *self)
{
  return MIN (self->tidy_at != 0 ? self->tidy_at : G_MAXINT64, self->soon_at != 0 ? self->soon_at : G_MAXINT64);
}

/* Whether the worker may have memory of the link to give back. */
static gboolean
is_untidy (const FerryLink *link)
{
  return link->tidiness.buffers_came || link->up.head - link->tidiness.asked_head >= TIDY_FROM;
}

static gboolean
carried_much (const FerryLink *link)
{
  return link->up.head - link->tidiness.asked_head >= MUCH;
}

/* Starts the timer for ferry_drain_tidy(), unless it runs. The timer stops when there is nothing to give back. */
static void
start_tidying (FerryDrain *self)
{
  if (self->tidy_at == 0)
    self->tidy_at = ferry_time_add (g_get_monotonic_time (), self->spare_time);
}

/* Asks the worker of a link to give memory back, if the link carried nothing since the last call. Returns whether this
 * function must be called again. */
static gboolean
tidy_link (FerryLink *link)
{
  gboolean idle = link->up.head == link->tidiness.looked_head;

  link->tidiness.looked_head = link->up.head;
  if (link->state != FERRY_LINK_OPEN || !is_untidy (link))
    return FALSE;
  if (!idle)
    return TRUE;
  link->tidiness.asked_head = link->up.head;
  link->tidiness.buffers_came = FALSE;
  ferry_link_ask_to_tidy (link);
  return FALSE;
}

/* Frees memory for copies that was unused for the spare time, and returns unused pages of the arenas to the system. As
 * for blocks and lanes: frees the blocks, and asks the workers of idle links to give memory back. */
static void
tidy (FerryDrain *self, gint64 now)
{
  gboolean again = FALSE;

  again |= ferry_local_queue_tidy (self->local);
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      again |= ferry_spare_memory_tidy (&link->spare, now - self->spare_time);
      if (link->arena != NULL && !link->local)
        again |= ferry_arena_tidy (link->arena);
      again |= tidy_link (link);
    }
  self->tidy_at = again ? ferry_time_add (now, self->spare_time) : 0;
}

static void
tidy_soon (FerryDrain *self, gint64 now)
{
  gboolean again = FALSE;

  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    if (carried_much (node->data))
      again |= tidy_link (node->data);
  self->soon_at = again ? ferry_time_add (now, SOON) : 0;
}

void
ferry_drain_tidy (FerryDrain *self)
{
  gint64 now;

  if (self->tidy_at == 0 && self->soon_at == 0)
    return;
  now = g_get_monotonic_time ();
  if (self->soon_at != 0 && now >= self->soon_at)
    tidy_soon (self, now);
  if (self->tidy_at != 0 && now >= self->tidy_at)
    tidy (self, now);
}

/* ---- walks over records ---- */

/* The state of one walk over copied records of a link. */
typedef struct
{
  FerryLink *link;
  gsize size;            /* how many bytes of whole, valid records were found so far */
  char *fault;           /* (owned) (nullable): the rule that a record broke */
  Grant *grant;          /* the grant of the latest record's pipe */
  gboolean wants_memory; /* the next record needs memory that the link may not have now */
} Walk;

/* Notes which rule a record broke. Returns FALSE, for the caller to return. */
static G_GNUC_PRINTF (2, 3) gboolean refuse (Walk *walk, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  walk->fault = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return FALSE;
}

/* Refuses a message with a value that breaks a rule. number: of its type; 0 for plain bytes. */
static inline gboolean
check_value (Walk *walk, guint16 number, gconstpointer data, gsize size)
{
  const char *fault = find_value_fault (walk->grant, number, data, size);

  return G_LIKELY (fault == NULL) || refuse (walk, "%s", fault);
}

/* ---- buffers ---- */

static void
push_buffer (FerryDrain *self, FerryLink *link, const FerryBufferEnvelope *envelope, FerryValueVerdict verdict,
             GBytes *buffer)
{
  FerryBlock *block = ferry_local_queue_take_block (
    self->local, link, envelope->message_kind != 0 ? FERRY_BLOCK_LARGE : FERRY_BLOCK_BUFFER);

  block->connection_id = envelope->connection_id;
  block->message_kind = envelope->message_kind;
  block->number = envelope->type_number;
  block->verdict = verdict;
  block->data = envelope->metadata;
  block->size = envelope->message_kind != 0 ? g_bytes_get_size (buffer) : envelope->metadata_size;
  /* The bytes of a large message count against the queue, those of a buffer against the account. */
  block->charge = sizeof *block + block->size;
  if (envelope->message_kind == 0)
    block->share = ferry_local_queue_get_buffer_share (g_bytes_get_size (buffer));
  block->buffer = buffer;
  ferry_drain_push (self, block);
}

/* any */
static void
aside_done (gpointer queue)
{
  ferry_local_queue_ring (queue);
  ferry_local_queue_unref (queue);
}

/* Checks the value of a large message, in private memory: that of a type, or that in the message of a call. What is
 * wrong with the latter, the transport tells. Returns whether another thread does that; else sets *verdict. grant
 * (nullable): of the message's pipe. */
static gboolean
begin_judgement (FerryDrain *self, FerryLink *link, const Grant *grant, guint16 kind, guint16 number,
                 const guint8 *data, gsize size, FerryValueVerdict *verdict)
{
  const FerryLayout *type = grant != NULL ? get_checked_type (grant, number) : NULL;

  *verdict = FERRY_VALUE_UNJUDGED;
  if (size < FERRY_JUDGED_ASIDE)
    {
      if (type != NULL)
        *verdict = ferry_layout_check (type, data, size);
      return FALSE;
    }
  if (type == NULL && (kind != FERRY_RECORD_BYTES || !ferry_call_judgement_is_wanted (data, size)))
    return FALSE;
  link->intake.judgement =
    ferry_aside_judge (data, size, type != NULL ? type->string : NULL, aside_done, ferry_local_queue_ref (self->local));
  return TRUE;
}

/* Returns what is wrong with a large message, or NULL. */
static const char *
find_large_fault (guint16 kind, FerryValueVerdict verdict)
{
  return kind == FERRY_RECORD_VARIANT ? ferry_value_verdict_to_fault (verdict) : NULL;
}

/* Copies the next size bytes of a buffer. Returns FALSE while another thread does that. */
static gboolean
copy_next (FerryDrain *self, FerryLink *link, gsize size)
{
  FerryBufferCopy *copy = &link->intake.copy;
  const gsize offset = copy->message.offset + copy->filled;
  gint64 began;

  if (copy->aside == NULL && link->intake.n_copies_aside > 0)
    {
      link->intake.n_copies_aside--;
      copy->aside = ferry_aside_copy (link->arena, offset, size, aside_done, ferry_local_queue_ref (self->local));
    }
  if (copy->aside != NULL)
    {
      if (!ferry_aside_is_done (copy->aside))
        return FALSE;
      memcpy (copy->memory.data + copy->filled, ferry_aside_get_bytes (copy->aside), size);
      g_clear_pointer (&copy->aside, ferry_aside_unref);
      return TRUE;
    }
  began = g_get_monotonic_time ();
  memcpy (copy->memory.data + copy->filled, link->arena->memory + offset, size);
  if (G_UNLIKELY (g_get_monotonic_time () - began >= SLOW_COPY_MICROSECONDS))
    {
      link->intake.next_copies_aside =
        CLAMP (link->intake.next_copies_aside, FIRST_COPIES_ASIDE / 2, MOST_COPIES_ASIDE / 2) * 2;
      link->intake.n_copies_aside = link->intake.next_copies_aside;
    }
  return TRUE;
}

/* Continues the copy of a buffer. Returns whether it is done, with the judgement of its value; then sets *verdict. Else
 * *result says how to go on. */
static gboolean
copy_more (FerryDrain *self, FerryLink *link, FerryValueVerdict *verdict, FerryDrainResult *result)
{
  FerryBufferCopy *copy = &link->intake.copy;
  const FerryBufferEnvelope *envelope = &copy->envelope;
  gsize size = MIN (copy->message.size - copy->filled, COPY_PER_VISIT);

  *result = FERRY_DRAIN_STALLED;
  if (link->intake.judgement != NULL)
    {
      if (!ferry_aside_is_done (link->intake.judgement))
        return FALSE;
      *verdict = ferry_aside_end_judgement (g_steal_pointer (&link->intake.judgement));
      return TRUE;
    }
  if (!copy_next (self, link, size))
    return FALSE;
  copy->filled += size;
  if (copy->filled < copy->message.size)
    *result = FERRY_DRAIN_MORE;
  if (copy->filled < copy->message.size)
    return FALSE;
  ferry_arena_let_go (link->arena, copy->message.number);
  return !begin_judgement (self, link, find_grant (self, link, envelope->connection_id), envelope->message_kind,
                           envelope->message_kind != 0 ? envelope->type_number : 0, copy->memory.data,
                           copy->message.size, verdict);
}

/* Continues with a buffer that is copied. Returns EMPTY when no copy is under way. Sets *fault when the message breaks
 * a rule. Checks for room in the queue, which may have filled since the copy began. */
static FerryDrainResult
copy_buffer (FerryDrain *self, FerryLink *link, const char **fault)
{
  FerryBufferCopy *copy = &link->intake.copy;
  FerryValueVerdict verdict;
  FerryDrainResult result;

  if (copy->memory.data == NULL)
    return FERRY_DRAIN_EMPTY;
  if (!ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  if (!copy_more (self, link, &verdict, &result))
    return result;
  *fault = find_large_fault (copy->envelope.message_kind, verdict);
  if (*fault != NULL)
    return FERRY_DRAIN_MORE;
  push_buffer (self, link, &copy->envelope, verdict,
               ferry_local_queue_keep_copy (self->local, link, copy->memory, copy->message.size));
  *copy = (FerryBufferCopy){0};
  return FERRY_DRAIN_MORE;
}

/* Begins to copy a buffer into private memory. Returns FALSE when there is no memory for the copy. */
static gboolean
begin_copy (FerryDrain *self, FerryLink *link, const FerryBufferMessage *message, const FerryBufferEnvelope *envelope)
{
  FerryMemoryAccount *account = ferry_local_queue_get_account (self->local);
  FerryMemory memory;

  ferry_arena_set_copied (link->arena);
  /* Frees the spare memory of all links where the account has no room for the copy otherwise. */
  if (!ferry_spare_memory_fits (&link->spare, message->size) && !ferry_memory_account_has_room (account, message->size))
    for (GList *node = self->shared->links.head; node != NULL; node = node->next)
      ferry_spare_memory_drop (&((FerryLink *) node->data)->spare);
  if (!ferry_spare_memory_take (&link->spare, message->size, &memory))
    return FALSE;
  link->intake.copy = (FerryBufferCopy){.memory = memory, .message = *message, .envelope = *envelope};
  return TRUE;
}

/* Whether the buffer at data may be passed on without a copy. A value that is checked may not, since the worker could
 * change it after the check. */
static gboolean
may_lend (const FerryLink *link, const Grant *grant, const FerryBufferEnvelope *envelope, const guint8 *data,
          gsize size)
{
  if (!link->trusted || envelope->message_kind == 0)
    return link->trusted;
  if (envelope->message_kind == FERRY_RECORD_VARIANT)
    return get_checked_type (grant, envelope->type_number) == NULL;
  /* Where the worker changes the bytes meanwhile, whoever makes the value of them copies them. */
  return size < FERRY_JUDGED_ASIDE || !ferry_call_judgement_is_wanted (data, size);
}

/* Pushes the buffer of a trusted worker, or begins to copy another's. Takes ownership of envelope->metadata. */
static gboolean
take_memory (FerryDrain *self, Walk *walk, const FerryBufferMessage *message, FerryBufferEnvelope *envelope)
{
  FerryLink *link = walk->link;
  const char *fault = link->arena != NULL
                        ? ferry_arena_take (link->arena, message)
                        : "it sent a buffer over a link without buffers; it must send messages instead";
  gboolean is_lent =
    fault == NULL && may_lend (link, walk->grant, envelope, link->arena->memory + message->offset, message->size);

  if (fault == NULL && !is_lent && !begin_copy (self, link, message, envelope))
    {
      ferry_arena_let_go (link->arena, message->number);
      fault =
        "there is no memory for a copy of its buffer; make the worker a trusted one, or make it send smaller buffers";
    }
  if (fault != NULL)
    {
      g_free (envelope->metadata);
      return refuse (walk, "%s", fault);
    }
  ferry_traffic_note_buffer (&link->traffic, message->size);
  link->tidiness.buffers_came = TRUE;
  start_tidying (self);
  if (is_lent)
    push_buffer (self, link, envelope, FERRY_VALUE_UNJUDGED, ferry_local_queue_keep_loan (self->local, link, message));
  return TRUE;
}

/* Handles the record of a buffer, which is whole in the lane at place. header is a copy of the record's header. */
static gboolean
take_buffer_record (FerryDrain *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  const Grant *grant = walk->grant;
  FerryBufferMessage message;
  FerryBufferEnvelope envelope;

  if (header->length < sizeof message || header->number > grant->n_types ||
      (header->number == 0 && header->length != sizeof message))
    return refuse (walk,
                   "its record of a buffer is malformed; it must have %" G_GSIZE_FORMAT " bytes or more, metadata only "
                   "with a type, and a type that its pipe has announced",
                   sizeof message);
  memcpy (&message, place + sizeof *header, sizeof message);
  envelope = (FerryBufferEnvelope){
    .connection_id = header->connection_id,
    .type_number = header->number,
    .metadata_size = header->length - sizeof message,
  };
  envelope.metadata = g_memdup2 (place + sizeof *header + sizeof message, envelope.metadata_size);
  if (check_value (walk, envelope.type_number, envelope.metadata, envelope.metadata_size))
    return take_memory (self, walk, &message, &envelope);
  g_free (envelope.metadata);
  return FALSE;
}

/* Handles a large message in a buffer. Its description is in the lane at place. The caller has checked large. */
static gboolean
take_large_record (FerryDrain *self, Walk *walk, guint64 connection_id, const FerryLargeMessage *large,
                   const guint8 *place)
{
  FerryBufferEnvelope envelope = {
    .connection_id = connection_id,
    .message_kind = large->kind,
    .type_number = large->number,
  };
  FerryBufferMessage message;

  memcpy (&message, place, sizeof message);
  if (message.size != large->size)
    return refuse (walk,
                   "its large message is not as long as the buffer that holds it; the two sizes in its large record "
                   "must be equal");
  return take_memory (self, walk, &message, &envelope);
}

/* Whether the link waits for no check and no copy: another thread has begun none, or is done. */
gboolean
ferry_drain_checks_are_over (const FerryLink *link)
{
  return (link->intake.copy.aside == NULL || ferry_aside_is_done (link->intake.copy.aside)) &&
         (link->intake.judgement == NULL || ferry_aside_is_done (link->intake.judgement));
}

/* ---- records ---- */

static gboolean
find_grant_of_record (FerryDrain *self, Walk *walk, guint64 connection_id)
{
  if (G_LIKELY (walk->grant != NULL && walk->grant->connection_id == connection_id))
    return TRUE;
  walk->grant = find_grant (self, walk->link, connection_id);
  if (walk->grant == NULL)
    return refuse (
      walk, "it used the connection id %" G_GUINT64_FORMAT ", which it was not granted; it must use granted ids only",
      connection_id);
  return TRUE;
}

static void
free_layout (gpointer layout)
{
  if (layout != NULL)
    ferry_layout_free (layout);
}

static gboolean
check_type (Walk *walk, const FerryRecordHeader *header, const char *payload)
{
  Grant *grant = walk->grant;
  const char *fault;

  if (header->length > FERRY_MAX_TYPE_STRING || header->number != walk->grant->n_types + 1 ||
      header->number > FERRY_MAX_TYPES_PER_PIPE)
    return refuse (walk,
                   "it announced type number %u of %u bytes after %u types; its types must have the numbers 1, 2, 3 "
                   "and so on, and be within the protocol's limits",
                   header->number, header->length, walk->grant->n_types);
  fault = ferry_type_verdict_to_fault (ferry_depth_judge_type (payload, header->length));
  if (fault != NULL)
    return refuse (walk, "the type string of type number %u %s; it must announce another type", header->number, fault);
  grant->n_types++;
  if (grant->checked == NULL)
    grant->checked = g_ptr_array_new_with_free_func (free_layout);
  g_ptr_array_add (grant->checked, ferry_layout_is_checked (payload, header->length)
                                     ? ferry_layout_new (payload, header->length)
                                     : NULL);
  return TRUE;
}

/* Checks a record that is whole in the copy. */
static gboolean
check_record (FerryDrain *self, Walk *walk, const FerryRecordHeader *header, const char *payload)
{
  if (G_UNLIKELY (!find_grant_of_record (self, walk, header->connection_id)))
    return FALSE;
  if (G_LIKELY (header->kind == FERRY_RECORD_BYTES))
    return header->number == 0 ||
           refuse (walk, "it gave plain bytes the type number %u; their number must be 0", header->number);
  switch (header->kind)
    {
    case FERRY_RECORD_VARIANT:
      if (header->number < 1 || header->number > walk->grant->n_types)
        return refuse (walk, "it used type number %u, and has announced %u types; it must announce a type first",
                       header->number, walk->grant->n_types);
      return check_value (walk, header->number, payload, header->length);
    case FERRY_RECORD_TYPE:
      return check_type (walk, header, payload);
    case FERRY_RECORD_STOP:
      set_done (walk->grant);
      return header->length == 0 || refuse (walk, "its stop record has a payload; a stop record must be empty");
    default:
      return refuse (walk, "it wrote a record of the unknown kind %u; it must write the kinds of the protocol only",
                     header->kind);
    }
}

/* Whether records of that kind are handled one by one, and not copied into a block with others. */
static gboolean
is_single (guint16 kind)
{
  return kind == FERRY_RECORD_LARGE || kind == FERRY_RECORD_PIECE || kind == FERRY_RECORD_ABANDON ||
         kind == FERRY_RECORD_BUFFER;
}

/* Whether any payload of a record with this valid header is right: plain bytes, or a value that is not checked. */
static inline gboolean
is_unchecked (const Grant *grant, const FerryRecordHeader *header)
{
  return header->kind == FERRY_RECORD_BYTES ||
         (header->kind == FERRY_RECORD_VARIANT && g_ptr_array_index (grant->checked, header->number - 1) == NULL);
}

/* Returns the offset behind a row of records that have the same header as the one at offset. That one is a valid record
 * of a message, with a payload that is not checked. Most traffic consists of such rows. The place of the next record is
 * computed from the first length and then checked. So the processor need not load each length to find the next
 * record. */
static gsize
skip_alike (const guint8 *data, gsize offset, gsize size)
{
  const FerryRecordHeader first = *(const FerryRecordHeader *) (const void *) (data + offset);
  gsize record_size = ferry_record_size (first.length);

  for (offset += record_size; size - offset >= record_size; offset += record_size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (data + offset);

      if (memcmp (header, &first, sizeof first) != 0)
        break;
    }
  return offset;
}

/* Checks the records of size copied bytes, up to one that is handled alone or is not whole in the copy. complete: the
 * bytes are all that the worker has published. */
static void
walk_records (FerryDrain *self, Walk *walk, const guint8 *data, gsize size, gboolean complete)
{
  while (walk->size < size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (data + walk->size);
      gsize left = size - walk->size;
      gsize record_size;

      if (G_UNLIKELY (left < sizeof *header))
        {
          if (complete)
            refuse (walk,
                    "its tail is %" G_GSIZE_FORMAT
                    " bytes behind the end of its last record, fewer than a header's %" G_GSIZE_FORMAT
                    "; it must publish whole records",
                    left, sizeof *header);
          return;
        }
      if (G_UNLIKELY (header->length > FERRY_MAX_RECORD_PAYLOAD))
        {
          refuse (
            walk,
            "it wrote a record of %u bytes, where a record has at most %u; it must send a larger message in pieces",
            header->length, (guint) FERRY_MAX_RECORD_PAYLOAD);
          return;
        }
      record_size = ferry_record_size (header->length);
      if (G_UNLIKELY (record_size > left))
        {
          if (complete)
            refuse (walk, "its last record has %u bytes, more than it has published; it must publish whole records",
                    header->length);
          return;
        }
      if (G_UNLIKELY (is_single (header->kind)))
        return;
      if (G_UNLIKELY (!check_record (self, walk, header, (const char *) (header + 1))))
        return;
      if (G_LIKELY (is_unchecked (walk->grant, header)))
        walk->size = skip_alike (data, walk->size, size);
      else
        walk->size += record_size;
    }
}

static gboolean
begin_large (FerryDrain *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  FerryAssembly *assembly = &walk->link->intake.assembly;
  const gsize with_buffer = sizeof (FerryLargeMessage) + sizeof (FerryBufferMessage);
  const gboolean is_whole = header->length == with_buffer;
  FerryLargeMessage large;

  if (header->length != sizeof large && !is_whole)
    return refuse (walk,
                   "it wrote a large record of %u bytes; such a record must have %" G_GSIZE_FORMAT
                   ", or %" G_GSIZE_FORMAT " with a buffer",
                   header->length, sizeof large, with_buffer);
  if (!is_whole && assembly->data != NULL)
    return refuse (walk,
                   "it began a large message before the end of another, of which %" G_GSIZE_FORMAT
                   " of %" G_GSIZE_FORMAT " bytes have come; it must first send the rest, or an abandon record",
                   assembly->filled, (gsize) assembly->size);
  memcpy (&large, place + sizeof *header, sizeof large);
  if (large.size <= FERRY_MAX_RECORD_PAYLOAD)
    return refuse (walk,
                   "it announced a large message of %" G_GUINT64_FORMAT
                   " bytes; it must send a message of up to %u bytes in one record",
                   large.size, (guint) FERRY_MAX_RECORD_PAYLOAD);
  if (large.size > walk->link->max_message_size)
    return refuse (
      walk,
      "it announced a large message of %" G_GUINT64_FORMAT " bytes, where %" G_GUINT64_FORMAT
      " are allowed; it must send smaller messages, or the application must raise FerryRouter:max-message-size",
      large.size, walk->link->max_message_size);
  if (!(large.kind == FERRY_RECORD_BYTES && large.number == 0) &&
      !(large.kind == FERRY_RECORD_VARIANT && large.number >= 1 && large.number <= walk->grant->n_types))
    return refuse (walk,
                   "it announced a large message of kind %u and type number %u, of %u announced; it must be of kind %d "
                   "and number 0, or of kind %d and the number of a type",
                   large.kind, large.number, walk->grant->n_types, FERRY_RECORD_BYTES, FERRY_RECORD_VARIANT);
  if (is_whole)
    return take_large_record (self, walk, header->connection_id, &large, place + sizeof *header + sizeof large);
  *assembly = (FerryAssembly){
    .size = large.size,
    .allocated = MIN (large.size, FIRST_ALLOCATION),
    .connection_id = header->connection_id,
    .kind = large.kind,
    .number = large.number,
  };
  assembly->data = g_malloc (assembly->allocated);
  return TRUE;
}

static void
finish_large (FerryDrain *self, FerryLink *link, FerryValueVerdict verdict)
{
  FerryAssembly *assembly = &link->intake.assembly;
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_LARGE);

  block->size = block->charge = assembly->size;
  block->connection_id = assembly->connection_id;
  block->message_kind = assembly->kind;
  block->number = assembly->number;
  block->verdict = verdict;
  block->data = g_steal_pointer (&assembly->data);
  ferry_assembly_clear (assembly);
  ferry_drain_push (self, block);
}

static gboolean
add_piece (FerryDrain *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  FerryAssembly *assembly = &walk->link->intake.assembly;
  FerryValueVerdict verdict;
  const char *fault;

  if (assembly->data == NULL || assembly->connection_id != header->connection_id)
    return refuse (
      walk, "it wrote a piece of %u bytes that belongs to no message%s; it must write a large record first",
      header->length, assembly->data != NULL ? " of its pipe, while a message of another pipe is unfinished" : "");
  if (header->length == 0)
    return refuse (walk, "it wrote a piece of 0 bytes; a piece must have at least one byte");
  if (header->length > assembly->size - assembly->filled)
    return refuse (walk,
                   "it wrote a piece of %u bytes, where %" G_GSIZE_FORMAT
                   " bytes are left of the size that its large record announced; it must keep to that size",
                   header->length, (gsize) (assembly->size - assembly->filled));
  if (assembly->filled + header->length > assembly->allocated)
    {
      assembly->allocated = MIN (assembly->size, assembly->allocated * 2);
      assembly->data = g_realloc (assembly->data, assembly->allocated);
    }
  memcpy (assembly->data + assembly->filled, place + sizeof *header, header->length);
  assembly->filled += header->length;
  if (assembly->filled < assembly->size)
    return TRUE;
  if (begin_judgement (self, walk->link, walk->grant, assembly->kind, assembly->number, assembly->data, assembly->size,
                       &verdict))
    return TRUE;
  fault = find_large_fault (assembly->kind, verdict);
  if (fault != NULL)
    return refuse (walk, "%s", fault);
  finish_large (self, walk->link, verdict);
  return TRUE;
}

/* Pushes a message in pieces with a value that another thread has checked, or sets *fault. Returns EMPTY when none is
 * checked. */
static FerryDrainResult
finish_judged (FerryDrain *self, FerryLink *link, const char **fault)
{
  FerryValueVerdict verdict;

  if (link->intake.judgement == NULL)
    return FERRY_DRAIN_EMPTY;
  if (!ferry_drain_checks_are_over (link) || !ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  verdict = ferry_aside_end_judgement (g_steal_pointer (&link->intake.judgement));
  *fault = find_large_fault (link->intake.assembly.kind, verdict);
  if (*fault == NULL)
    finish_large (self, link, verdict);
  return FERRY_DRAIN_MORE;
}

static gboolean
handle_single_record (FerryDrain *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  if (!find_grant_of_record (self, walk, header->connection_id))
    return FALSE;
  if (header->kind == FERRY_RECORD_BUFFER)
    return take_buffer_record (self, walk, header, place);
  if (header->kind == FERRY_RECORD_LARGE)
    return begin_large (self, walk, header, place);
  if (header->kind == FERRY_RECORD_PIECE)
    return add_piece (self, walk, header, place);
  if (header->length != 0 || walk->link->intake.assembly.data == NULL ||
      walk->link->intake.assembly.connection_id != header->connection_id)
    return refuse (
      walk,
      "it wrote an abandon record of %u bytes that it may not write; such a record must be empty, and follow "
      "a large record of its pipe",
      header->length);
  ferry_assembly_clear (&walk->link->intake.assembly);
  return TRUE;
}

/* Takes single records from the lane, up to the end of a message. Returns whether there were any, or one that has to
 * wait for memory. Returns FALSE for one that breaks a rule too. */
static gboolean
drain_single (FerryDrain *self, Walk *walk)
{
  FerryLaneReader *lane = &walk->link->up;

  for (guint n = 0; n < PIECES_PER_VISIT; n++)
    {
      gsize available = ferry_lane_reader_get_available (lane);
      const guint8 *place = ferry_lane_reader_get_place (lane);
      FerryRecordHeader header;

      if (available < sizeof header)
        return n > 0;
      memcpy (&header, place, sizeof header);
      if (!is_single (header.kind))
        return n > 0;
      if (header.length > FERRY_MAX_RECORD_PAYLOAD || ferry_record_size (header.length) > available)
        return refuse (walk,
                       "it wrote a record of %u bytes that goes beyond what it published; it must publish whole "
                       "records, of at most %u bytes",
                       header.length, (guint) FERRY_MAX_RECORD_PAYLOAD);
      walk->wants_memory = header.kind != FERRY_RECORD_PIECE && header.kind != FERRY_RECORD_ABANDON &&
                           !ferry_local_queue_has_memory (self->local, walk->link);
      if (walk->wants_memory)
        return TRUE;
      if (!handle_single_record (self, walk, &header, place))
        return FALSE;
      ferry_lane_reader_consume (lane, ferry_record_size (header.length));
      ferry_traffic_note_records (&walk->link->traffic, 1);
      if (header.kind != FERRY_RECORD_PIECE || walk->link->intake.assembly.data == NULL ||
          walk->link->intake.judgement != NULL)
        return TRUE;
    }
  return TRUE;
}

static void
drain_small (FerryDrain *self, Walk *walk)
{
  FerryLink *link = walk->link;
  gsize available = ferry_lane_reader_get_available (&link->up);
  gsize size = MIN (available, FERRY_BLOCK_SIZE);
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_RECORDS);
  const FerryRecordHeader *first = (const FerryRecordHeader *) (const void *) block->data;

  memcpy (block->data, ferry_lane_reader_get_place (&link->up), size);
  walk_records (self, walk, block->data, size, size == available);
  block->size = 0;
  if (walk->size > 0)
    {
      /* An estimate: all records are taken to be as long as the first. */
      ferry_traffic_note_records (&link->traffic, (walk->size - 1) / ferry_record_size (first->length) + 1);
      block->size = hand_over_copied (self, link, block->data, walk->size);
      ferry_lane_reader_consume (&link->up, walk->size);
    }
  if (block->size == 0)
    {
      ferry_local_queue_give_back (self->local, block);
      return;
    }
  block->charge = FERRY_BLOCK_SIZE;
  ferry_drain_push (self, block);
}

/* Reads the lane's tail. The reading after the link's end is the final one, since the worker, or another process that
 * has the memory, may go on writing. */
static void
look (FerryDrain *self, FerryLink *link)
{
  FerryLaneReader *lane = &link->up;
  g_autofree char *fault = NULL;

  if (link->tail_final)
    return;
  link->tail_final = link->state == FERRY_LINK_ENDED;
  if (link->tail_final ? ferry_lane_reader_look_to_end (lane) : ferry_lane_reader_look (lane))
    return;
  fault = ferry_lane_reader_describe_fault (lane, "up");
  ferry_shared_queue_fault (self->shared, link, fault);
}

/* Faults the link for a broken rule. No later record is read. */
static void
refuse_record (FerryDrain *self, FerryLink *link, const char *fault)
{
  link->draining_done = TRUE;
  ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FAULT, fault);
}

/* Continues with a message that is being copied or checked. Returns EMPTY without such a message. */
static FerryDrainResult
go_on (FerryDrain *self, FerryLink *link)
{
  const char *fault = NULL;
  FerryDrainResult result = copy_buffer (self, link, &fault);

  if (result == FERRY_DRAIN_EMPTY)
    result = finish_judged (self, link, &fault);
  if (fault != NULL)
    refuse_record (self, link, fault);
  return result;
}

static FerryDrainResult
drain (FerryDrain *self, FerryLink *link)
{
  Walk walk = {.link = link};
  gboolean caught_up = FALSE;
  FerryDrainResult gone_on;

  if (link->draining_done)
    return FERRY_DRAIN_EMPTY;
  gone_on = go_on (self, link);
  if (gone_on != FERRY_DRAIN_EMPTY)
    return gone_on;
  look (self, link);
  if (ferry_lane_reader_get_available (&link->up) == 0)
    {
      link->draining_done = link->tail_final;
      return FERRY_DRAIN_EMPTY;
    }
  if (!ferry_local_queue_has_room (self->local, link))
    {
      if (hand_over_next (self, link))
        return FERRY_DRAIN_MORE;
      return ferry_lane_reader_get_available (&link->up) > 0 ? FERRY_DRAIN_STALLED : FERRY_DRAIN_MORE;
    }
  if (!drain_single (self, &walk) && walk.fault == NULL)
    {
      drain_small (self, &walk);
      caught_up = walk.size < FERRY_BLOCK_SIZE && ferry_lane_reader_get_available (&link->up) == 0;
    }
  if (walk.fault != NULL)
    {
      refuse_record (self, link, walk.fault);
      g_free (walk.fault);
    }
  link->visit.wants_memory = walk.wants_memory;
  if (link->visit.wants_memory)
    return FERRY_DRAIN_STALLED;
  return caught_up ? FERRY_DRAIN_CAUGHT_UP : FERRY_DRAIN_MORE;
}

/* Starts the timers for memory that is given back, where the link has some and they do not run. */
static void
note_untidy (FerryDrain *self, FerryLink *link)
{
  if (G_UNLIKELY (self->soon_at == 0) && carried_much (link))
    self->soon_at = ferry_time_add (g_get_monotonic_time (), SOON);
  if (G_UNLIKELY (self->tidy_at == 0) && is_untidy (link))
    start_tidying (self);
}

/* Visits a link: takes a limited part of its records from the lane, and pushes them. */
FerryDrainResult
ferry_drain_visit (FerryDrain *self, FerryLink *link)
{
  FerryDrainResult result = drain (self, link);

  /* Release: a thread that reads this value also finds the pushed blocks counted in share_out. */
  if (!ferry_link_is_taking (link))
    atomic_store_explicit (&link->up_taken, link->up.head, memory_order_release);
  note_untidy (self, link);
  return result;
}
