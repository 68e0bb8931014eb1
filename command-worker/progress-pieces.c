/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cuts what a program prints into pieces, one each time it draws its progress over. "\r 34%\r 69%" has two, and so has
 * "34%\b\b\b69%".
 *
 * A piece ends with a line feed, with a carriage return, where backspaces begin, and where a terminal sequence moves
 * the cursor to another line. A backspace takes a character back, so "Writing: 3/10\b\b\b\b4/10" is "Writing: 3/10" and
 * then "Writing: 4/10". Terminal sequences, zero bytes and other control characters are left out.
 *
 * A program that writes its separator in front ("\r 34%") has said 34 % long before the piece ends. Who reads it calls
 * progress_pieces_flush() when nothing has come for a while, and not at once: reads cut pieces anywhere.
 *
 * Trust: none. What is held is at most PROGRESS_MAX_PIECE, however long a line is. */

#include "config.h"

#include "progress-pieces.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

typedef enum
{
  ESCAPE_NONE,
  ESCAPE_BEGUN,     /* ESC */
  ESCAPE_CONTROL,   /* ESC [, up to a letter */
  ESCAPE_CHARACTER, /* ESC ( and the like: one byte more */
  ESCAPE_STRING,    /* ESC ] and the like, up to BEL or ESC \ */
} Escape;

struct _ProgressPieces
{
  GString *line;
  gsize n_left_out; /* characters of this line beyond the limit */
  gboolean fresh;   /* something that is no blank was added since a piece was taken */
  gboolean erasing; /* within a run of backspaces */
  gboolean is_drawn_over;
  Escape escape;
};

ProgressPieces *
progress_pieces_new (void)
{
  ProgressPieces *self = g_new0 (ProgressPieces, 1);

  self->line = g_string_new (NULL);
  return self;
}

void
progress_pieces_free (ProgressPieces *self)
{
  g_string_free (self->line, TRUE);
  g_free (self);
}

/* Gives the line as it is, where it says something new. */
void
progress_pieces_flush (ProgressPieces *self, ProgressPieceFunc take, gpointer data)
{
  gsize begin = 0;
  gsize end = self->line->len;

  if (!self->fresh)
    return;
  while (begin < end && self->line->str[begin] == ' ')
    begin++;
  while (end > begin && self->line->str[end - 1] == ' ')
    end--;
  if (take (self->line->str + begin, end - begin, data))
    self->fresh = FALSE;
}

/* goes_back: to where something was written, and not on to an empty line. */
static void
end_line (ProgressPieces *self, gboolean goes_back, ProgressPieceFunc take, gpointer data)
{
  progress_pieces_flush (self, take, data);
  self->is_drawn_over = goes_back;
  self->fresh = FALSE;
  g_string_truncate (self->line, 0);
  self->n_left_out = 0;
}

/* Takes back the line's last character, with all bytes of it. */
static void
erase_character (ProgressPieces *self)
{
  gsize length = self->line->len;

  if (self->n_left_out > 0)
    {
      self->n_left_out--;
      return;
    }
  while (length > 0 && ((guint8) self->line->str[length - 1] & 0xc0) == 0x80)
    length--;
  g_string_truncate (self->line, length > 0 ? length - 1 : 0);
}

static inline gboolean
is_control (char byte)
{
  return (guint8) byte < ' ' || byte == '\177';
}

/* Neither moves the cursor nor shows anything, such as each zero of what is no text. */
static inline gboolean
is_ignored (char byte)
{
  const guint32 heard = 1u << '\n' | 1u << '\r' | 1u << '\b' | 1u << '\t' | 1u << '\033';

  return (guint8) byte < ' ' ? (heard >> (guint8) byte & 1) == 0 : byte == '\177';
}

/* ---- eight bytes at a time, of floods without lines ---- */

#define EACH(byte) (G_MAXUINT64 / 0xff * (byte))

static inline guint64
load (const char *bytes)
{
  guint64 eight;

  memcpy (&eight, bytes, sizeof eight);
  return eight;
}

/* Whether one of them is below a limit, of at most 0x80. */
static inline gboolean
has_below (guint64 eight, guint8 limit)
{
  return ((eight - EACH (limit)) & ~eight & EACH (0x80)) != 0;
}

/* Returns how many bytes come before the first control character. */
static gsize
count_plain (const char *bytes, gsize length)
{
  gsize n = 0;

  while (n + 8 <= length && !has_below (load (bytes + n), ' ') && !has_below (load (bytes + n) ^ EACH ('\177'), 1))
    n += 8;
  while (n < length && !is_control (bytes[n]))
    n++;
  return n;
}

/* Returns how many bytes come before the first that is heard. */
static gsize
count_ignored (const char *bytes, gsize length)
{
  gsize n = 0;

  while (n + 8 <= length && load (bytes + n) == 0)
    n += 8;
  while (n < length && is_ignored (bytes[n]))
    n++;
  return n;
}

/* Returns how many characters begin in bytes. */
static gsize
count_characters (const char *bytes, gsize length)
{
  gsize n = length;
  gsize i = 0;

  for (; i + 8 <= length; i += 8)
    n -= ((load (bytes + i) >> 7 & ~load (bytes + i) >> 6 & EACH (1)) * EACH (1)) >> 56;
  for (; i < length; i++)
    n -= ((guint8) bytes[i] & 0xc0) == 0x80;
  return n;
}

/* Bytes that are no control characters. */
static void
add (ProgressPieces *self, const char *bytes, gsize length)
{
  gsize room = PROGRESS_MAX_PIECE - self->line->len;
  gsize kept = self->n_left_out == 0 ? MIN (room, length) : 0;

  g_string_append_len (self->line, bytes, (gssize) kept);
  for (gsize i = 0; i < kept && !self->fresh; i++)
    self->fresh = bytes[i] != ' ';
  self->n_left_out += count_characters (bytes + kept, length - kept);
}

static void
take_control_byte (ProgressPieces *self, char byte, ProgressPieceFunc take, gpointer data)
{
  switch (byte)
    {
    case '\n':
    case '\r':
      end_line (self, byte == '\r', take, data);
      break;
    case '\b':
      if (!self->erasing)
        progress_pieces_flush (self, take, data);
      self->is_drawn_over = TRUE;
      self->fresh = FALSE;
      self->erasing = TRUE;
      erase_character (self);
      return;
    case '\t':
      add (self, " ", 1);
      break;
    case '\033':
      self->escape = ESCAPE_BEGUN;
      break;
    default:
      break;
    }
  self->erasing = FALSE;
}

/* The second byte of a sequence says of what kind it is. */
static Escape
begin_escape (char byte)
{
  switch (byte)
    {
    case '[':
      return ESCAPE_CONTROL;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      return ESCAPE_STRING;
    case ' ':
    case '#':
    case '%':
    case '(':
    case ')':
    case '*':
    case '+':
      return ESCAPE_CHARACTER;
    default:
      return ESCAPE_NONE;
    }
}

/* Returns FALSE where the byte is not part of the sequence, which is over. */
static gboolean
take_escape_byte (ProgressPieces *self, char byte, ProgressPieceFunc take, gpointer data)
{
  /* The cursor goes to another place: up, down, to a column or a line. */
  static const char moves[] = "ABEFGHJdf";

  if (is_control (byte) && (self->escape != ESCAPE_STRING || byte == '\n' || byte == '\033'))
    {
      self->escape = ESCAPE_NONE;
      return FALSE;
    }
  switch (self->escape)
    {
    case ESCAPE_BEGUN:
      self->escape = begin_escape (byte);
      break;
    case ESCAPE_CONTROL:
      if ((guint8) byte < '@')
        break;
      self->escape = ESCAPE_NONE;
      if (strchr (moves, byte) != NULL)
        end_line (self, TRUE, take, data);
      break;
    case ESCAPE_STRING:
      if (byte == '\a')
        self->escape = ESCAPE_NONE;
      break;
    default:
      self->escape = ESCAPE_NONE;
      break;
    }
  return TRUE;
}

void
progress_pieces_feed (ProgressPieces *self, const char *bytes, gsize length, ProgressPieceFunc take, gpointer data)
{
  for (gsize at = 0; at < length;)
    {
      gsize n;

      if (self->escape != ESCAPE_NONE && take_escape_byte (self, bytes[at], take, data))
        {
          at++;
          continue;
        }
      n = count_plain (bytes + at, length - at);
      if (n > 0)
        add (self, bytes + at, n);
      else
        n = count_ignored (bytes + at, length - at);
      if (n > 0)
        self->erasing = FALSE;
      else
        take_control_byte (self, bytes[at], take, data);
      at += MAX (n, 1);
    }
}

gboolean
progress_pieces_is_drawn_over (const ProgressPieces *self)
{
  return self->is_drawn_over;
}

/* The worker sets no locale for itself, as a library may not, and its answers are the same everywhere. */
static const char *
get_codeset (void)
{
  static const char *codeset;

  if (g_once_init_enter (&codeset))
    {
      locale_t locale = newlocale (LC_CTYPE_MASK, "", (locale_t) 0);
      const char *name = locale != (locale_t) 0 ? nl_langinfo_l (CODESET, locale) : "UTF-8";

      g_once_init_leave (&codeset, g_intern_string (name));
      if (locale != (locale_t) 0)
        freelocale (locale);
    }
  return codeset;
}

char *
progress_pieces_dup_text (const char *bytes, gsize length)
{
  char *text = NULL;

  if (!g_utf8_validate_len (bytes, length, NULL))
    text = g_convert (bytes, (gssize) length, "UTF-8", get_codeset (), NULL, NULL, NULL);
  return text != NULL ? text : g_utf8_make_valid (bytes, (gssize) length);
}
