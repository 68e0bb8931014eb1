/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads one JSON object, as programs print them in a line: {"stats": {"bytes": 5}} has "5" at the path "stats.bytes".
 * It is read from its beginning to its end without a tree, so it costs a path and a value, and levels of calls up to a
 * limit.
 *
 * Trust: none. What is no JSON ends the reading; what was read until then was given already. */

#include "config.h"

#include "progress-json.h"

#include <string.h>

/* Objects and lists within each other. */
#define MAX_DEPTH 32

typedef struct
{
  const char *at;
  const char *end;
  GString *path;
  GString *value;
  guint depth;
  ProgressJsonFunc take;
  gpointer data;
} Json;

static gboolean read_value (Json *self);

static void
skip_blanks (Json *self)
{
  while (self->at < self->end && strchr (" \t\r\n", *self->at) != NULL && *self->at != '\0')
    self->at++;
}

/* Whether the next character that is no blank is this one, which is passed over then. */
static gboolean
skip (Json *self, char character)
{
  skip_blanks (self);
  if (self->at >= self->end || *self->at != character)
    return FALSE;
  self->at++;
  return TRUE;
}

/* The four digits after \u. Returns a character, or a half of a pair; 0 where they are none. */
static gunichar
read_code (Json *self)
{
  gunichar code = 0;

  if (self->end - self->at < 4)
    return 0;
  for (guint i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (self->at[i]);

      if (digit < 0)
        return 0;
      code = code << 4 | (gunichar) digit;
    }
  self->at += 4;
  return code;
}

static void
read_unicode (Json *self)
{
  gunichar code = read_code (self);

  if (code >= 0xd800 && code < 0xdc00 && self->end - self->at >= 6 && self->at[0] == '\\' && self->at[1] == 'u')
    {
      gunichar low;

      self->at += 2;
      low = read_code (self);
      code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
    }
  if (code == 0 || !g_unichar_validate (code))
    code = 0xfffd;
  g_string_append_unichar (self->value, code);
}

static gboolean
read_escape (Json *self)
{
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  const char *letter;

  if (self->at >= self->end || *self->at == '\0')
    return FALSE;
  if (*self->at == 'u')
    {
      self->at++;
      read_unicode (self);
      return TRUE;
    }
  letter = strchr (letters, *self->at++);
  if (letter == NULL)
    return FALSE;
  g_string_append_c (self->value, meanings[letter - letters]);
  return TRUE;
}

/* Behind the quotation mark. */
static gboolean
read_string (Json *self)
{
  g_string_truncate (self->value, 0);
  for (;;)
    {
      char character;

      if (self->at >= self->end)
        return FALSE;
      character = *self->at++;
      if (character == '"')
        break;
      if (character == '\\')
        {
          if (!read_escape (self))
            return FALSE;
        }
      else if (character != '\0')
        g_string_append_c (self->value, character);
    }
  if (!g_utf8_validate (self->value->str, (gssize) self->value->len, NULL))
    {
      g_autofree char *valid = g_utf8_make_valid (self->value->str, (gssize) self->value->len);

      g_string_assign (self->value, valid);
    }
  return TRUE;
}

static gboolean
read_object (Json *self)
{
  gsize length = self->path->len;

  if (skip (self, '}'))
    return TRUE;
  do
    {
      if (!skip (self, '"') || !read_string (self) || !skip (self, ':'))
        return FALSE;
      if (length > 0)
        g_string_append_c (self->path, '.');
      g_string_append (self->path, self->value->str);
      if (!read_value (self))
        return FALSE;
      g_string_truncate (self->path, length);
    }
  while (skip (self, ','));
  return skip (self, '}');
}

static gboolean
read_list (Json *self)
{
  if (skip (self, ']'))
    return TRUE;
  do
    if (!read_value (self))
      return FALSE;
  while (skip (self, ','));
  return skip (self, ']');
}

/* A number, true, false or null. */
static gboolean
read_word (Json *self)
{
  g_string_truncate (self->value, 0);
  while (self->at < self->end && (g_ascii_isalnum (*self->at) || strchr ("+-.", *self->at) != NULL) &&
         *self->at != '\0')
    g_string_append_c (self->value, *self->at++);
  if (self->value->len == 0)
    return FALSE;
  self->take (self->path->str, self->value->str, self->data);
  return TRUE;
}

static gboolean
read_value (Json *self)
{
  gboolean read;

  if (self->depth == MAX_DEPTH)
    return FALSE;
  self->depth++;
  if (skip (self, '{'))
    read = read_object (self);
  else if (skip (self, '['))
    read = read_list (self);
  else if (skip (self, '"'))
    {
      read = read_string (self);
      if (read)
        self->take (self->path->str, self->value->str, self->data);
    }
  else
    read = read_word (self);
  self->depth--;
  return read;
}

/* Gives each value of the object. Returns whether text is one object, and nothing else. */
gboolean
progress_json_read (const char *text, gsize length, ProgressJsonFunc take, gpointer data)
{
  Json self = {.at = text, .end = text + length, .take = take, .data = data};
  gboolean read;

  skip_blanks (&self);
  if (self.at >= self.end || *self.at != '{')
    return FALSE;
  self.path = g_string_new (NULL);
  self.value = g_string_new (NULL);
  read = read_value (&self);
  skip_blanks (&self);
  g_string_free (self.path, TRUE);
  g_string_free (self.value, TRUE);
  return read && self.at == self.end;
}
