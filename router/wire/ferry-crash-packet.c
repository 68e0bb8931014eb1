/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the packet by which a worker says where it crashed. All of it is the worker's word: numbers are bounded here,
 * and names are bytes of any kind.
 *
 * Threads: any. */

#include "config.h"

#include "wire/ferry-crash-packet-private.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"

/* Returns what is wrong with the numbers, as what follows “it has”; or NULL. */
static const char *
find_fault (const FerryCrash *head, gsize size)
{
  if (size > FERRY_MAX_CRASH_SIZE)
    return "more than 16,384 bytes";
  if (head->signal < 1 || head->signal >= NSIG)
    return "no signal";
  if (head->n_frames > FERRY_MAX_CRASH_FRAMES)
    return "more than 64 frames";
  if (head->n_modules > FERRY_MAX_CRASH_MODULES)
    return "more than 32 files";
  if (size < sizeof *head + head->n_frames * sizeof (FerryCrashFrame) + head->n_modules * sizeof (FerryCrashModule))
    return "less than its frames and files";
  return NULL;
}

/* Splits the names, each of which has a zero at its end. Returns NULL where there are not as many as the packet says.
 */
static GStrv
split (const char *names, gsize size, guint n)
{
  g_auto (GStrv) modules = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    {
      gsize length = strnlen (names, size);

      if (length == size)
        return NULL;
      modules[i] = g_strndup (names, length);
      names += length + 1;
      size -= length + 1;
    }
  return size == 0 ? g_steal_pointer (&modules) : NULL;
}

static gboolean
has_good_frames (const FerryCrashPacket *self, guint n_modules)
{
  for (guint i = 0; i < self->n_frames; i++)
    if ((self->frames[i].module >= n_modules && self->frames[i].module != FERRY_NO_MODULE) || self->frames[i].exact > 1)
      return FALSE;
  return TRUE;
}

static gboolean
has_good_identities (const FerryCrashPacket *self, guint n_modules)
{
  for (guint i = 0; i < n_modules; i++)
    if (self->identities[i].size > FERRY_MAX_IDENTITY)
      return FALSE;
  return TRUE;
}

/* Takes what is behind the head. Returns what is wrong with it, as find_fault(). */
static const char *
take_rest (FerryCrashPacket *self, const FerryCrash *head, const char *rest, gsize size)
{
  const gsize frames_size = head->n_frames * sizeof (FerryCrashFrame);
  const gsize identities_size = head->n_modules * sizeof (FerryCrashModule);

  self->n_frames = head->n_frames;
  memcpy (self->frames, rest, frames_size);
  memcpy (self->identities, rest + frames_size, identities_size);
  self->modules = split (rest + frames_size + identities_size, size - frames_size - identities_size, head->n_modules);
  if (self->modules == NULL)
    return "other names than it says";
  if (!has_good_frames (self, head->n_modules))
    return "a frame in none of its files";
  return has_good_identities (self, head->n_modules) ? NULL : "an identity of more than 32 bytes";
}

FerryCrashPacket *
ferry_crash_packet_parse (gconstpointer data, gsize size, GError **error)
{
  g_autoptr (FerryCrashPacket) self = g_new0 (FerryCrashPacket, 1);
  const char *fault = "less than its head";
  FerryCrash head = {0};

  if (size >= sizeof head)
    {
      memcpy (&head, data, sizeof head);
      fault = find_fault (&head, size);
    }
  if (fault == NULL)
    {
      self->signal = head.signal;
      self->code = head.code;
      self->has_address = (head.signal == SIGSEGV || head.signal == SIGBUS) && head.code > 0 && head.code != SI_KERNEL;
      self->address = head.address;
      fault = take_rest (self, &head, (const char *) data + sizeof head, size - sizeof head);
    }
  if (fault == NULL)
    return g_steal_pointer (&self);
  ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                   "The packet by which the worker says where it crashed is malformed: it has %s", fault);
  return NULL;
}

void
ferry_crash_packet_free (FerryCrashPacket *self)
{
  g_strfreev (self->modules);
  g_free (self);
}
