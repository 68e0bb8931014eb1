/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of a queue that run while its application is off: which are sent, taken back, and told of.
 *
 * The file is the truth, and what is away is a copy of what waits in it. So:
 *
 *   - The file says that a task is sent before it is. What the file says was never sent runs here without asking.
 *   - A task that was sent is taken back before it is begun here. Who takes it is the only one who may begin it.
 *   - Its end is in the file before it is removed there.
 *   - A task that ends here in another way is withdrawn, and the file says so afterwards.
 *   - Of a cancel nobody is told before that: what the file has as cancelled and sent, a host may begin still. An end
 *     that it has had there meanwhile is its end.
 *
 * Each time that a task is sent it has another name there: its id and the time of its submission, which is a
 * microsecond later. So what was said of an earlier time is never taken for the later one.
 *
 * While the place cannot be reached, nobody knows whether a host has begun a task. One that may run twice is begun here
 * all the same, once that is known to be so; others wait.
 *
 * Owner:   the queue, of which it is a part.
 * Threads: the router's.
 * Trust:   what is told of a task comes from hosts, and was judged. A name that is none of this file is ignored. */

#include "config.h"

#include "queue/ferry-queue-away-private.h"

#include "base/ferry-base-private.h"

/* How many are sent with one batch. */
#define MAX_AT_A_TIME 500

static FerryQueueAway *
from_ties (FerryQueueTies *ties)
{
  return ties->away;
}

/* (transfer full): what the row is called there. */
static char *
make_id (const FerryQueueRow *row)
{
  return g_strdup_printf ("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", (guint64) row->id,
                          (guint64) row->submitted);
}

/* How the row stands has changed: that goes to the file, and the entry gets another turn. */
static void
change (FerryQueueAway *self, FerryQueueEntry *entry)
{
  ferry_queue_batches_put (self->batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
  ferry_queue_turns_update (self->turns, entry);
}

static void
set_unsent (FerryQueueAway *self, FerryQueueEntry *entry, gboolean is_unsent)
{
  if (entry->is_unsent == is_unsent)
    return;
  entry->is_unsent = is_unsent;
  if (is_unsent)
    g_queue_push_tail_link (&self->unsent, &entry->unsent_link);
  else
    g_queue_unlink (&self->unsent, &entry->unsent_link);
}

static void
set_state (FerryQueueAway *self, FerryQueueEntry *entry, FerryQueueAwayState state)
{
  if (entry->away == FERRY_QUEUE_AWAY_TAKING)
    entry->bucket->n_taking--;
  if (state == FERRY_QUEUE_AWAY_TAKING)
    entry->bucket->n_taking++;
  entry->away = (guint8) state;
}

static void
order (FerryQueueAway *self, FerryQueueEntry *entry, FerryQueueAwayState state,
       void (*func) (FerryAway *place, const char *id))
{
  g_autofree char *id = make_id (&entry->row);

  set_state (self, entry, state);
  func (self->place, id);
}

/* ---- what may be sent, or has to come back ---- */

static gboolean
may_wait_away (FerryQueueAway *self, const FerryQueueEntry *entry)
{
  return entry->row.state == FERRY_QUEUE_ROW_WAITING && !entry->claimed && !entry->row.paused && !self->ties->paused;
}

/* Whether what was sent is not what the row says now. */
static gboolean
has_changed (const FerryQueueEntry *entry)
{
  return entry->is_stale || entry->sent_priority != entry->row.priority ||
         entry->sent_not_before != entry->row.not_before;
}

/* Implements FerryQueueTies.looked. */
static void
look (FerryQueueTies *ties, FerryQueueEntry *entry)
{
  FerryQueueAway *self = from_ties (ties);
  const gboolean is_there = entry->away == FERRY_QUEUE_AWAY_THERE;

  if (self->place == NULL)
    {
      if (is_there && ferry_queue_row_has_ended (&entry->row))
        set_state (self, entry, FERRY_QUEUE_AWAY_LEAVING);
      return;
    }
  if (entry->away == FERRY_QUEUE_AWAY_NOT)
    {
      set_unsent (self, entry, !entry->stays && may_wait_away (self, entry));
      return;
    }
  set_unsent (self, entry, FALSE);
  if (ferry_queue_row_has_ended (&entry->row))
    {
      if (entry->away != FERRY_QUEUE_AWAY_LEAVING &&
          ferry_queue_entry_judge (entry, FERRY_TASK_IS_CALLED_OFF) == FERRY_TASK_IS_ASKED_FOR)
        order (self, entry, FERRY_QUEUE_AWAY_LEAVING, self->place->interface->cancel);
    }
  else if (is_there && !entry->claimed && (!may_wait_away (self, entry) || has_changed (entry)))
    order (self, entry, FERRY_QUEUE_AWAY_RECALLED, self->place->interface->take);
}

/* Implements FerryQueueTies.take. */
static void
take (FerryQueueTies *ties, FerryQueueEntry *entry)
{
  FerryQueueAway *self = from_ties (ties);

  order (self, entry, FERRY_QUEUE_AWAY_TAKING, self->place->interface->take);
}

gboolean
ferry_queue_away_ask (FerryQueueAway *self, FerryQueueEntry *entry)
{
  const FerryTaskVerdict verdict = ferry_queue_entry_judge (entry, FERRY_TASK_EXPIRES);

  if (verdict == FERRY_TASK_IS_ASKED_FOR)
    order (self, entry, FERRY_QUEUE_AWAY_RECALLED, self->place->interface->take);
  return verdict != FERRY_TASK_HAPPENS;
}

void
ferry_queue_away_fill (FerryQueueAway *self)
{
  for (guint i = 0; self->place != NULL && self->ties->away_is_there && i < MAX_AT_A_TIME; i++)
    {
      GList *link = self->unsent.head;
      FerryQueueEntry *entry = link != NULL ? link->data : NULL;

      if (entry == NULL)
        return;
      set_unsent (self, entry, FALSE);
      entry->stays = !ferry_queue_row_can_leave (&entry->row);
      if (entry->stays)
        continue;
      entry->row.sent = TRUE;
      entry->row.submitted++;
      entry->is_stale = FALSE;
      entry->sent_priority = entry->row.priority;
      entry->sent_not_before = entry->row.not_before;
      set_state (self, entry, FERRY_QUEUE_AWAY_SENDING);
      g_hash_table_insert (self->sent, make_id (&entry->row), entry);
      ferry_queue_batches_put (self->batches, entry, FERRY_QUEUE_CHANGE_INSERT);
      ferry_queue_turns_update (self->turns, entry);
      ferry_queue_batches_add_order (self->batches, TRUE, make_id (&entry->row));
    }
  if (self->unsent.length > 0)
    ferry_queue_batches_send_soon (self->batches);
}

/* ---- what goes there once it is in the file ---- */

/* Its arguments cannot be read: it fails when it is begun. */
static void
leave_here (FerryQueueAway *self, FerryQueueEntry *entry, const char *id)
{
  g_hash_table_remove (self->sent, id);
  entry->row.sent = FALSE;
  entry->stays = TRUE;
  set_state (self, entry, FERRY_QUEUE_AWAY_NOT);
  change (self, entry);
}

static void
send_entry (FerryQueueAway *self, FerryQueueEntry *entry, const char *id)
{
  FerryAwayTask task = {0};

  if (!ferry_queue_row_describe_away (&entry->row, &task, NULL))
    {
      leave_here (self, entry, id);
      return;
    }
  task.death_limit = self->death_limit;
  set_state (self, entry, FERRY_QUEUE_AWAY_THERE);
  self->place->interface->send (self->place, id, &task);
  g_clear_pointer (&task.arguments, g_variant_unref);
  g_clear_pointer (&task.needs, g_variant_unref);
  ferry_queue_turns_update (self->turns, entry);
}

void
ferry_queue_away_do_orders (FerryQueueAway *self, GPtrArray *orders)
{
  for (guint i = 0; self->place != NULL && i < orders->len; i++)
    {
      const FerryQueueOrder *one = orders->pdata[i];
      FerryQueueEntry *entry = g_hash_table_lookup (self->sent, one->id);

      if (!one->sends)
        self->place->interface->settle (self->place, one->id);
      else if (entry != NULL && entry->away == FERRY_QUEUE_AWAY_SENDING)
        send_entry (self, entry, one->id);
    }
}

/* ---- what is told ---- */

/* It is here alone from now on. */
static void
come_back (FerryQueueAway *self, FerryQueueEntry *entry, const char *id)
{
  const gboolean was_cancelling = ferry_queue_row_is_cancelling (&entry->row);

  g_hash_table_remove (self->sent, id);
  g_clear_pointer (&entry->away_host, g_free);
  entry->row.sent = FALSE;
  set_state (self, entry, FERRY_QUEUE_AWAY_NOT);
  change (self, entry);
  if (was_cancelling)
    self->ties->cancelled (self->ties, entry);
}

/* It has ended there: it does here, as if a worker had just begun it. A cancel came too late. */
static void
end_entry (FerryQueueAway *self, FerryQueueEntry *entry, const char *id, const FerryAwayNews *news)
{
  g_autoptr (FerryTask) task = ferry_queue_entry_dup_task (entry);
  FerryRun *run = ferry_task_get_run (task);

  if (ferry_queue_row_has_ended (&entry->row) && run->end_held == NULL)
    return;
  g_hash_table_remove (self->sent, id);
  g_clear_pointer (&entry->away_host, g_free);
  entry->row.sent = FALSE;
  entry->row.began = g_get_real_time ();
  set_state (self, entry, FERRY_QUEUE_AWAY_NOT);
  ferry_queue_turns_remove (self->turns, entry);
  run->n_attempts = MAX (news->attempts, 1) - 1;
  ferry_queue_batches_add_order (self->batches, FALSE, g_strdup (id));
  if (run->end_held != NULL)
    ferry_run_take_up_again (run);
  else if (!ferry_run_start (run, 0, news->host))
    return;
  if (news->error != NULL)
    ferry_run_fail (run, FERRY_TASK_EVENT_ERROR, ferry_error_copy (news->error), news->trace, NULL);
  else
    ferry_run_complete (run, news->result);
}

/* What was there is gone. It counts as begun. */
static void
forget_entry (FerryQueueAway *self, FerryQueueEntry *entry, const char *id)
{
  g_autoptr (FerryTask) task = NULL;
  GError *error;

  entry->row.attempts++;
  entry->row.deaths++;
  error = ferry_queue_row_judge_loss (&entry->row, self->death_limit,
                                      "may have been begun by a host before the NATS server lost what it knew of it");
  if (error == NULL)
    {
      come_back (self, entry, id);
      return;
    }
  g_hash_table_remove (self->sent, id);
  entry->row.sent = FALSE;
  set_state (self, entry, FERRY_QUEUE_AWAY_NOT);
  task = ferry_queue_entry_dup_task (entry);
  ferry_run_refuse (ferry_task_get_run (task), error);
}

/* Of a task that waits. */
static void
take_news (FerryQueueAway *self, FerryQueueEntry *entry, const char *id, const FerryAwayNews *news)
{
  switch (news->kind)
    {
    case FERRY_AWAY_TOO_LARGE:
      entry->stays = TRUE;
      come_back (self, entry, id);
      break;
    case FERRY_AWAY_TAKEN:
      come_back (self, entry, id);
      break;
    case FERRY_AWAY_BEGUN:
      g_free (entry->away_host);
      entry->away_host = g_strdup (news->host);
      set_state (self, entry, FERRY_QUEUE_AWAY_AT_HOST);
      ferry_queue_turns_update (self->turns, entry);
      break;
    case FERRY_AWAY_ENDED:
      end_entry (self, entry, id, news);
      break;
    case FERRY_AWAY_MISSING:
      send_entry (self, entry, id);
      break;
    case FERRY_AWAY_FORGOTTEN:
      forget_entry (self, entry, id);
      break;
    default:
      break;
    }
}

/* Of a task that is withdrawn. */
static void
take_answer (FerryQueueAway *self, FerryQueueEntry *entry, const char *id, const FerryAwayNews *news)
{
  const gboolean is_open =
    ferry_queue_row_is_cancelling (&entry->row) || (entry->row.state == FERRY_QUEUE_ROW_WAITING && !entry->claimed);

  if (news->kind != FERRY_AWAY_CANCELLED && news->kind != FERRY_AWAY_ENDED)
    return;
  if (news->kind == FERRY_AWAY_ENDED && is_open && !g_error_matches (news->error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      end_entry (self, entry, id, news);
      return;
    }
  if (news->kind == FERRY_AWAY_ENDED)
    ferry_queue_batches_add_order (self->batches, FALSE, g_strdup (id));
  come_back (self, entry, id);
}

/* Of a task that was cancelled, and then forgotten here. */
static void
settle_forgotten (FerryQueueAway *self, const char *id, const FerryAwayNews *news)
{
  if (news->kind == FERRY_AWAY_ENDED)
    self->place->interface->settle (self->place, id);
  if (news->kind == FERRY_AWAY_CANCELLED || news->kind == FERRY_AWAY_ENDED)
    g_hash_table_remove (self->sent, id);
}

/* Implements FerryAwayFuncs.news. */
static void
news_came (gpointer owner, const char *id, const FerryAwayNews *news)
{
  FerryQueueAway *self = owner;
  FerryQueueEntry *entry = g_hash_table_lookup (self->sent, id);
  g_autoptr (GListModel) kept G_GNUC_UNUSED = g_object_ref (self->ties->keeper.list);

  if (entry == NULL && g_hash_table_contains (self->sent, id))
    settle_forgotten (self, id, news);
  if (entry == NULL || entry->away == FERRY_QUEUE_AWAY_SENDING)
    return;
  if (entry->away == FERRY_QUEUE_AWAY_LEAVING)
    take_answer (self, entry, id, news);
  else if (entry->claimed)
    {
      /* It runs here, as it may do so beside a host. Its end is withdrawn there. */
    }
  else if (!ferry_queue_row_has_ended (&entry->row))
    take_news (self, entry, id, news);
  ferry_queue_batches_send_soon (self->batches);
}

static void
update_sent (FerryQueueAway *self)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->sent);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (value != NULL)
      g_ptr_array_add (entries, value);
  for (guint i = 0; i < entries->len; i++)
    {
      FerryQueueEntry *entry = entries->pdata[i];

      /* The order stands, and what it asked for may come. */
      if (!self->ties->away_is_there && entry->away == FERRY_QUEUE_AWAY_TAKING)
        set_state (self, entry, FERRY_QUEUE_AWAY_THERE);
      ferry_queue_turns_update (self->turns, entry);
    }
}

static void
set_obstacle (FerryQueueAway *self, const char *text)
{
  g_free (self->obstacle);
  self->obstacle = g_strdup (text);
  self->ties->away_obstacle = self->obstacle;
}

/* Implements FerryAwayFuncs.changed. */
static void
place_changed (gpointer owner)
{
  FerryQueueAway *self = owner;
  const GError *error = self->place->interface->get_error (self->place);
  const gboolean is_there = self->place->interface->is_reachable (self->place);
  const gboolean is_asked = self->ties->away_is_asked && !is_there && error == NULL;
  gboolean is_news = self->ties->away_is_there != is_there || self->ties->away_is_asked != is_asked;

  self->ties->away_is_there = is_there;
  self->ties->away_is_asked = is_asked;
  if (error != NULL && g_strcmp0 (self->obstacle, error->message) != 0)
    {
      g_message ("Tasks of the queue run here alone: %s", error->message);
      set_obstacle (self, error->message);
      is_news = TRUE;
    }
  if (is_news)
    update_sent (self);
  ferry_queue_batches_send_soon (self->batches);
}

static const FerryAwayFuncs funcs = {place_changed, news_came};

/* ---- life cycle ---- */

void
ferry_queue_away_init (FerryQueueAway *self, FerryQueueTies *ties, FerryQueueTurns *turns, FerryQueueBatches *batches)
{
  self->ties = ties;
  self->turns = turns;
  self->batches = batches;
  self->sent = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  ties->away = self;
  ties->looked = look;
  ties->take = take;
  set_obstacle (self, "Give the queue the cluster that it had");
}

void
ferry_queue_away_clear (FerryQueueAway *self)
{
  g_hash_table_unref (self->sent);
  g_free (self->obstacle);
}

/* The file has a name before anything is sent, so that the next start finds it. */
static void
name_file (FerryQueueAway *self)
{
  FerryQueueRow row = {0};

  if (self->name != 0)
    return;
  while (self->name == 0)
    self->name = (gint64) ((guint64) g_random_int () << 32 | g_random_int ());
  row.id = self->name;
  ferry_queue_batches_add (self->batches, FERRY_QUEUE_CHANGE_NAME, &row);
  ferry_queue_batches_add (self->batches, FERRY_QUEUE_CHANGE_FORMAT, &row);
}

static void
add_entry (FerryQueueEntry *entry, gpointer away)
{
  FerryQueueAway *self = away;
  char *id;

  if (!entry->row.sent)
    return;
  id = make_id (&entry->row);
  g_hash_table_insert (self->sent, id, entry);
  entry->sent_priority = entry->row.priority;
  entry->sent_not_before = entry->row.not_before;
  set_state (self, entry, FERRY_QUEUE_AWAY_THERE);
  self->place->interface->expect (self->place, id);
}

static void
update_entry (FerryQueueEntry *entry, gpointer away)
{
  ferry_queue_turns_update (((FerryQueueAway *) away)->turns, entry);
}

gboolean
ferry_queue_away_open (FerryQueueAway *self, FerryRunner *runner, FerryQueueList *list, GError **error)
{
  g_autofree char *file = NULL;

  name_file (self);
  file = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", (guint64) self->name);
  self->place = FERRY_RUNNER_GET_IFACE (runner)->open_away (runner, file, &funcs, self, error);
  if (self->place == NULL)
    return FALSE;
  self->ties->away_is_asked = TRUE;
  set_obstacle (self, "The NATS server has not answered yet");
  ferry_queue_list_foreach (list, add_entry, self);
  self->place->interface->begin (self->place);
  ferry_queue_list_foreach (list, update_entry, self);
  return TRUE;
}

void
ferry_queue_away_close (FerryQueueAway *self)
{
  FerryAway *place = g_steal_pointer (&self->place);

  if (place == NULL)
    return;
  self->ties->away_is_there = self->ties->away_is_asked = FALSE;
  g_hash_table_remove_all (self->sent);
  place->interface->close (place);
}

void
ferry_queue_away_forget (FerryQueueAway *self, FerryQueueEntry *entry)
{
  g_autofree char *id = make_id (&entry->row);

  set_unsent (self, entry, FALSE);
  set_state (self, entry, FERRY_QUEUE_AWAY_NOT);
  if (g_hash_table_lookup (self->sent, id) == entry)
    g_hash_table_insert (self->sent, g_steal_pointer (&id), NULL);
}

gboolean
ferry_queue_away_is_busy (FerryQueueAway *self)
{
  return self->place != NULL && self->ties->away_is_there &&
         (self->unsent.length > 0 || !self->place->interface->is_idle (self->place));
}
