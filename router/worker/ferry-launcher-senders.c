/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The senders that a launcher's next worker is passed.
 *
 * Threads: the router's. */

#include "config.h"

#include "worker/ferry-launcher-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-lane-layout.h"
#include "route/ferry-sender-private.h"

static void
tell (FerryNamedSender *named, FerryWorker *worker)
{
  FerryPassedFunc passed = g_steal_pointer (&named->passed);

  if (passed != NULL)
    passed (worker, named->passed_data);
}

static void
named_sender_clear (gpointer data)
{
  FerryNamedSender *named = data;

  tell (named, NULL);
  g_free (named->name);
  g_object_unref (named->sender);
}

GArray *
ferry_named_senders_new (void)
{
  GArray *self = g_array_new (FALSE, FALSE, sizeof (FerryNamedSender));

  g_array_set_clear_func (self, named_sender_clear);
  return self;
}

/* main: the senders were passed to that worker. */
void
ferry_named_senders_tell (GArray *self, FerryWorker *worker)
{
  for (guint i = 0; i < self->len; i++)
    tell (&g_array_index (self, FerryNamedSender, i), worker);
}

static gboolean
has_sender (FerryLauncher *self, const char *name, FerrySender *sender)
{
  for (guint i = 0; i < self->senders->len; i++)
    {
      FerryNamedSender *named = &g_array_index (self->senders, FerryNamedSender, i);

      if (named->sender == sender || strcmp (named->name, name) == 0)
        return TRUE;
    }
  return FALSE;
}

static guint
count_latest (FerryLauncher *self)
{
  guint n = 0;

  for (guint i = 0; i < self->senders->len; i++)
    n += ferry_sender_is_latest (g_array_index (self->senders, FerryNamedSender, i).sender);
  return n;
}

static gboolean
add_sender (FerryLauncher *self, const char *name, FerrySender *sender, const char *entry, FerryPassedFunc passed,
            gpointer data, GError **error)
{
  FerryNamedSender named;

  if (!ferry_sender_is_claimable (sender, error))
    return FALSE;
  if (name[0] == '\0' || strlen (name) > FERRY_MAX_SENDER_NAME || has_sender (self, name, sender))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The sender cannot be passed as “%s”; a name has 1 to %d bytes, and names and senders are used once",
                   name, FERRY_MAX_SENDER_NAME);
      return FALSE;
    }
  if (self->senders->len == FERRY_MAX_PIPES_PER_LINK)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE, "A worker can be passed %d senders, and no more",
                   FERRY_MAX_PIPES_PER_LINK);
      return FALSE;
    }
  if (ferry_sender_is_latest (sender) && count_latest (self) == FERRY_MAX_CELLS_PER_LINK)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "A worker can be passed %d senders of pipes for latest values, and no more",
                   FERRY_MAX_CELLS_PER_LINK);
      return FALSE;
    }
  named = (FerryNamedSender){g_strdup (name), g_object_ref (sender), entry, passed, data};
  g_array_append_val (self->senders, named);
  return TRUE;
}

/* main: as ferry_launcher_add_sender(), for the senders of Ferry itself, whose names begin with the reserved prefix. */
gboolean
ferry_launcher_add_reserved_sender (FerryLauncher *self, const char *name, FerrySender *sender, GError **error)
{
  return add_sender (self, name, sender, FERRY_MAIN_ENTRY, NULL, NULL, error);
}

/* main: the same, of which entry is what the worker's program calls for it. passed is called once, with the worker that
 * was spawned with the sender, or with NULL when there will be none; not where this returns FALSE. */
gboolean
ferry_launcher_add_watched_sender (FerryLauncher *self, const char *name, FerrySender *sender, const char *entry,
                                   FerryPassedFunc passed, gpointer data, GError **error)
{
  return add_sender (self, name, sender, entry, passed, data, error);
}

/* main: forgets the sender that was added last, and there is one. */
void
ferry_launcher_drop_last_sender (FerryLauncher *self)
{
  g_array_set_size (self->senders, self->senders->len - 1);
}

/* main: (transfer full): the senders that the next worker was to be passed. A worker that is started meanwhile is none
 * of theirs. */
GArray *
ferry_launcher_set_senders_aside (FerryLauncher *self)
{
  GArray *senders = self->senders;

  self->senders = ferry_named_senders_new ();
  return senders;
}

/* main: takes what was set aside. Senders that were added meanwhile, and not passed, are forgotten. */
void
ferry_launcher_put_senders_back (FerryLauncher *self, GArray *senders)
{
  g_array_unref (self->senders);
  self->senders = senders;
}

/* main: the next worker of each is passed what was the other's. */
void
ferry_launcher_swap_senders (FerryLauncher *self, FerryLauncher *other)
{
  GArray *senders = self->senders;

  self->senders = other->senders;
  other->senders = senders;
}

/* main: whether the launcher has no senders and transports, which would not reach those that they are meant for. what:
 * what it starts; remedy: what to do. FERRY_ERROR_BAD_ARGUMENTS. */
gboolean
ferry_launcher_check_no_senders (FerryLauncher *self, const char *what, const char *remedy, GError **error)
{
  g_autofree char *more = NULL;
  const char *name;
  gboolean is_transport;

  if (self->senders->len == 0)
    return TRUE;
  name = g_array_index (self->senders, FerryNamedSender, 0).name;
  is_transport = g_str_has_prefix (name, FERRY_TRANSPORT_SENDER_PREFIX);
  more = self->senders->len > 1 ? g_strdup_printf (" and %u more", self->senders->len - 1) : g_strdup ("");
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The launcher of %s has the %s “%s”%s, which its workers would not get: %s", what,
               is_transport ? "transport" : "sender",
               is_transport ? name + strlen (FERRY_TRANSPORT_SENDER_PREFIX) : name, more, remedy);
  return FALSE;
}

/**
 * ferry_launcher_add_sender:
 * @self: a launcher
 * @name: the name by which the worker asks for the sender
 * @sender: a sender that was not started
 * @error: return location for an error
 *
 * Has the next worker that is spawned be passed a sender. That is one of [method@Ferry.Launcher.spawn] or of
 * [func@Ferry.Channel.start]: a pool and a nursery refuse to start with a launcher that has senders, as their workers
 * would not get them. On the router's thread, once the launcher was used with a router; before that on any, one at a
 * time.
 *
 * Fails with %FERRY_ERROR_ALREADY_STARTED or %FERRY_ERROR_STOPPED when the sender is in use,
 * %FERRY_ERROR_BAD_ARGUMENTS when the name is empty or longer than 255 bytes or begins with `ferry.`, or name or
 * sender were added before, and %FERRY_ERROR_TOO_LARGE with more than 1,024 senders, or more than 64 of them of pipes
 * for latest values, and with %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_launcher_add_sender (FerryLauncher *self, const char *name, FerrySender *sender, GError **error)
{
  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (FERRY_IS_SENDER (sender), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  if (!g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX))
    return add_sender (self, name, sender, "ferry_worker_get_sender()", NULL, NULL, error);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The sender cannot be passed as “%s”; names that begin with “%s” are Ferry's own, choose another", name,
               FERRY_RESERVED_SENDER_PREFIX);
  return FALSE;
}

/* main: passes the senders on. When one cannot be, because its pipe was closed, those before it are of no use any more.
 */
gboolean
ferry_launcher_pass_senders (FerryLauncher *self, GError **error)
{
  gboolean passed = TRUE;

  for (guint i = 0; i < self->senders->len && passed; i++)
    passed = ferry_sender_pass (g_array_index (self->senders, FerryNamedSender, i).sender, error);
  return passed;
}
