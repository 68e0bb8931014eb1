/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The text of a sandbox's message, written by the application and read by the worker. ferry-sandbox.c decides what is
 * in it. The application makes a message for each launch and puts it as text into the worker's environment. The worker
 * reads the text before main(). docs/protocol.md describes the text.
 *
 * A worker enters Landlock and the filter of system calls itself, before it has threads. bubblewrap starts the worker
 * in namespaces. */

#include "config.h"

#include "process/ferry-sandbox-message-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

/* The version of the format, and the first word of a text. A worker refuses a text with another version. */
#define FORMAT "1"

FerrySandboxMessage *
ferry_sandbox_message_new (void)
{
  FerrySandboxMessage *self = g_new0 (FerrySandboxMessage, 1);

  self->read_only = g_ptr_array_new_with_free_func (g_free);
  self->writable = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
ferry_sandbox_message_free (FerrySandboxMessage *self)
{
  g_ptr_array_unref (self->read_only);
  g_ptr_array_unref (self->writable);
  g_free (self);
}

static void
append_paths (GString *text, const char *key, GPtrArray *paths)
{
  for (guint i = 0; i < paths->len; i++)
    {
      g_autofree char *escaped = g_uri_escape_string (g_ptr_array_index (paths, i), "/", FALSE);

      g_string_append_printf (text, " %s=%s", key, escaped);
    }
}

char *
ferry_sandbox_message_to_text (const FerrySandboxMessage *self)
{
  GString *text = g_string_new (FORMAT);

  g_string_append_printf (text, " layers=%u required=%u", self->layers, self->required);
  if (self->network)
    g_string_append (text, " network");
  if (self->address_space > 0)
    g_string_append_printf (text, " address-space=%" G_GUINT64_FORMAT, self->address_space);
  append_paths (text, "read", self->read_only);
  append_paths (text, "write", self->writable);
  return g_string_free (text, FALSE);
}

static gboolean
take_number (const char *text, guint32 *number)
{
  guint64 value;

  if (!ferry_parse_number (text, 10, 0, G_MAXUINT32, &value))
    return FALSE;
  *number = (guint32) value;
  return TRUE;
}

static gboolean
take_path (const char *text, GPtrArray *paths)
{
  char *path = g_uri_unescape_string (text, NULL);

  if (path == NULL)
    return FALSE;
  g_ptr_array_add (paths, path);
  return path[0] == '/';
}

static gboolean
take_word (FerrySandboxMessage *self, const char *word)
{
  const char *value = strchr (word, '=');

  if (g_strcmp0 (word, "network") == 0)
    return self->network = TRUE;
  if (value == NULL)
    return FALSE;
  value++;
  if (g_str_has_prefix (word, "layers="))
    return take_number (value, &self->layers);
  if (g_str_has_prefix (word, "required="))
    return take_number (value, &self->required);
  if (g_str_has_prefix (word, "address-space="))
    return ferry_parse_number (value, 10, 1, G_MAXINT64, &self->address_space);
  if (g_str_has_prefix (word, "read="))
    return take_path (value, self->read_only);
  return g_str_has_prefix (word, "write=") && take_path (value, self->writable);
}

FerrySandboxMessage *
ferry_sandbox_message_new_from_text (const char *text)
{
  g_autoptr (FerrySandboxMessage) self = ferry_sandbox_message_new ();
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  if (g_strcmp0 (words[0], FORMAT) != 0)
    return NULL;
  for (guint i = 1; words[i] != NULL; i++)
    if (!take_word (self, words[i]))
      return NULL;
  return g_steal_pointer (&self);
}
