/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A value is written from its beginning to its end. When a container is closed, its size is known, and the offsets of
 * its children follow them: docs/protocol.md has the form. The memory is aligned to 8 bytes, so a place that is aligned
 * within it is also aligned within each container.
 *
 * Owner:   references are counted.
 * Threads: any, one at a time. */

#include "config.h"

#include "base/ferry-variant-writer.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-depth-private.h"
#include "base/ferry-layout-private.h"

#define FIRST_CAPACITY 256

#define WRONG_PLACE "the type has no place here for such a value; add the values in the order of the type"

/* A container that is open. */
typedef struct
{
  const char *type;     /* the container's; NULL for the frame around the whole value */
  const char *inner;    /* the type of the first child, or what closes an empty tuple */
  const char *next;     /* (nullable): the type of the next child; NULL if there is no place for another */
  FerryMeasure measure; /* of the container */
  FerryMeasure element; /* of an array's elements */
  gsize start;
  guint first_offset; /* where the container's offsets begin among those of the writer */
} Frame;

struct _FerryVariantWriter
{
  gatomicrefcount references;
  char *type; /* const: (owned) */

  guint8 *data; /* (owned) */
  gsize size;
  gsize capacity;
  GArray *offsets; /* (owned) (element-type gsize): the ends of children, of all open containers in turn */
  Frame *frame;    /* the innermost open container, in frames */
  Frame frames[FERRY_MAX_DEPTH + 1];
};

static FerryVariantWriter *
writer_ref (FerryVariantWriter *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

G_DEFINE_BOXED_TYPE (FerryVariantWriter, ferry_variant_writer, writer_ref, ferry_variant_writer_unref)

static void
begin_value (FerryVariantWriter *self)
{
  self->size = 0;
  self->frame = self->frames;
  self->frame->next = self->type;
  g_array_set_size (self->offsets, 0);
}

/**
 * ferry_variant_writer_new:
 * @type: the type of the values: a definite type of at most 64 levels
 *
 * Makes a writer of values of one type. Any thread.
 *
 * Returns: (transfer full) (nullable): a writer
 */
FerryVariantWriter *
ferry_variant_writer_new (const GVariantType *type)
{
  FerryVariantWriter *self;
  gsize length;

  g_return_val_if_fail (type != NULL, NULL);
  length = g_variant_type_get_string_length (type);
  ferry_return_val_if_fail (ferry_depth_judge_type ((const char *) type, length) == FERRY_TYPE_GOOD, NULL,
                            "the type is not one definite type of at most %d levels; use another type",
                            FERRY_MAX_DEPTH);

  self = g_new0 (FerryVariantWriter, 1);
  g_atomic_ref_count_init (&self->references);
  self->type = g_strndup ((const char *) type, length);
  self->capacity = FIRST_CAPACITY;
  self->data = g_malloc (self->capacity);
  self->offsets = g_array_new (FALSE, FALSE, sizeof (gsize));
  begin_value (self);
  return self;
}

/**
 * ferry_variant_writer_unref:
 * @self: (transfer full): a writer
 *
 * Drops a reference to a writer. Any thread.
 */
void
ferry_variant_writer_unref (FerryVariantWriter *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_array_unref (self->offsets);
  g_free (self->data);
  g_free (self->type);
  g_free (self);
}

/* ---- places ---- */

/* Returns a place of that many bytes at the end, and moves the end behind it. */
static inline guint8 *
append (FerryVariantWriter *self, gsize size)
{
  gsize offset = self->size;

  if (G_UNLIKELY (size > self->capacity - offset))
    {
      self->capacity = MAX (self->capacity * 2, offset + size);
      self->data = g_realloc (self->data, self->capacity);
    }
  self->size += size;
  return self->data + offset;
}

/* Returns the measure of the next child, and whether one of letters begins its type. */
static inline gboolean
take_next (FerryVariantWriter *self, const char *letters, FerryMeasure *measure)
{
  const Frame *frame = self->frame;

  if (frame->next == NULL || strchr (letters, *frame->next) == NULL)
    return FALSE;
  *measure = frame->type != NULL && *frame->type == 'a' ? frame->element : ferry_layout_measure (frame->next);
  return TRUE;
}

static inline void
pad (FerryVariantWriter *self, guint alignment)
{
  gsize n = ferry_layout_align (self->size, alignment) - self->size;

  if (n > 0)
    memset (append (self, n), 0, n);
}

/* Notes that a child of the innermost container is complete. */
static inline void
end_child (FerryVariantWriter *self, const FerryMeasure *measure)
{
  Frame *frame = self->frame;
  gsize end = self->size - frame->start;
  gboolean is_array = frame->type != NULL && *frame->type == 'a';
  gboolean is_tuple = frame->type != NULL && (*frame->type == '(' || *frame->type == '{');

  if (is_tuple)
    frame->next = ferry_layout_is_close (*measure->end) ? NULL : measure->end;
  else if (!is_array)
    frame->next = NULL;
  if (measure->fixed_size == 0 && (is_array || (is_tuple && frame->next != NULL)))
    g_array_append_val (self->offsets, end);
}

/* ---- basic values ---- */

/* A basic value, as it lies in a value's bytes. */
typedef union
{
  guint8 of_8;
  guint16 of_16;
  guint32 of_32;
  guint64 of_64;
  double fraction;
} Number;

/* Takes an argument that goes by that letter. Returns the number's size, or 0 for a letter that means no number. */
static inline gsize
take_number (char letter, va_list *args, Number *number)
{
  switch (letter)
    {
    case 'b':
      number->of_8 = va_arg (*args, gboolean) != FALSE;
      return 1;
    case 'y':
      number->of_8 = (guint8) va_arg (*args, guint);
      return 1;
    case 'n':
    case 'q':
      number->of_16 = (guint16) va_arg (*args, guint);
      return 2;
    case 'i':
    case 'u':
    case 'h':
      number->of_32 = va_arg (*args, guint32);
      return 4;
    case 'x':
    case 't':
      number->of_64 = va_arg (*args, guint64);
      return 8;
    case 'd':
      number->fraction = va_arg (*args, double);
      return 8;
    default:
      return 0;
    }
}

/* Adds a text in the next place. Returns what is wrong with it, or NULL. */
static const char *
add_text (FerryVariantWriter *self, const FerryMeasure *measure, const char *text)
{
  gsize size;

  if (text == NULL)
    return "a text is NULL; pass a text";
  size = strlen (text) + 1;
  if (!ferry_layout_is_text (*self->frame->next, (const guint8 *) text, size))
    return "the text is not UTF-8, or no object path or signature where the type wants one";
  memcpy (append (self, size), text, size);
  end_child (self, measure);
  return NULL;
}

/* Adds the value that goes by a letter of a format. Returns what is wrong, or NULL. */
static inline const char *
add_value (FerryVariantWriter *self, char letter, va_list *args)
{
  const char *next = self->frame->next;
  FerryMeasure measure;
  Number number;
  gsize size;

  if (next == NULL || *next != letter || !take_next (self, "bynqiuxthdsog", &measure))
    return WRONG_PLACE;
  size = take_number (letter, args, &number);
  if (size == 0)
    return add_text (self, &measure, va_arg (*args, const char *));
  pad (self, measure.alignment);
  memcpy (append (self, size), &number, size);
  end_child (self, &measure);
  return NULL;
}

/**
 * ferry_variant_writer_add: (skip)
 * @self: a writer that expects values of the types of @format
 * @format: the types of one or more basic values, one after the other, such as `u` or `utd`
 * @...: the values, each as [ctor@GLib.Variant.new] takes it
 *
 * Adds basic values: booleans, numbers, texts (`s`), object paths (`o`) and signatures (`g`). At the first value that
 * has no place, a critical is logged; it and the values behind it are not added. Any thread, one at a time.
 */
void
ferry_variant_writer_add (FerryVariantWriter *self, const char *format, ...)
{
  const char *complaint = NULL;
  va_list args;

  g_return_if_fail (self != NULL);
  g_return_if_fail (format != NULL);

  va_start (args, format);
  for (const char *letter = format; *letter != '\0' && complaint == NULL; letter++)
    complaint = add_value (self, *letter, &args);
  va_end (args);
  ferry_return_if_fail (complaint == NULL, "%s", complaint);
}

/**
 * ferry_variant_writer_add_array:
 * @self: a writer that expects an array of numbers, such as `ay` or `ad`
 * @elements: (nullable) (array) (element-type guint8): the numbers, as they lie in memory
 * @n_elements: how many numbers there are
 * @element_size: the size of each number in bytes
 *
 * Adds a whole array of numbers. Booleans are added one by one. Any thread, one at a time.
 */
void
ferry_variant_writer_add_array (FerryVariantWriter *self, gconstpointer elements, gsize n_elements, gsize element_size)
{
  FerryMeasure measure;

  g_return_if_fail (self != NULL);
  g_return_if_fail (elements != NULL || n_elements == 0);
  ferry_return_if_fail (take_next (self, "a", &measure) && strchr ("ynqiuxthd", self->frame->next[1]) != NULL,
                        WRONG_PLACE);
  ferry_return_if_fail (ferry_layout_measure (self->frame->next + 1).fixed_size == element_size &&
                          n_elements <= G_MAXSIZE / 2 / element_size,
                        "a number of the array does not have %" G_GSIZE_FORMAT " bytes; pass the size of one number",
                        element_size);

  pad (self, measure.alignment);
  if (n_elements > 0)
    memcpy (append (self, n_elements * element_size), elements, n_elements * element_size);
  end_child (self, &measure);
}

/* ---- containers ---- */

/* Opens a container of that type. Its first child has the type next. Returns FALSE if there are too many levels. */
static gboolean
open_frame (FerryVariantWriter *self, const FerryMeasure *measure, const char *next)
{
  const char *type = self->frame->next;

  if (self->frame == &self->frames[FERRY_MAX_DEPTH])
    return FALSE;
  pad (self, measure->alignment);
  *++self->frame = (Frame){
    .type = type,
    .inner = next,
    .next = ferry_layout_is_close (*next) ? NULL : next,
    .measure = *measure,
    .start = self->size,
    .first_offset = self->offsets->len,
  };
  if (*type == 'a')
    self->frame->element = ferry_layout_measure (next);
  return TRUE;
}

/**
 * ferry_variant_writer_open:
 * @self: a writer that expects an array, a tuple, a dictionary entry, a maybe or a variant
 * @type: (nullable): for a variant, the definite type of what is in it, which must not change until the variant is
 *   closed; else %NULL
 *
 * Opens a container. The values that are added next are its children, until [method@Ferry.VariantWriter.close]. A
 * variant has one child. A maybe has one child, or none where it is closed at once. Any thread, one at a time.
 */
void
ferry_variant_writer_open (FerryVariantWriter *self, const GVariantType *type)
{
  FerryMeasure measure;
  const char *inner;

  g_return_if_fail (self != NULL);
  g_return_if_fail (type == NULL || g_variant_type_is_definite (type));
  ferry_return_if_fail (take_next (self, type != NULL ? "v" : "a({m", &measure), WRONG_PLACE);
  inner = type != NULL ? (const char *) type : self->frame->next + 1;
  ferry_return_if_fail (open_frame (self, &measure, inner), WRONG_PLACE);
}

/* Appends the offsets of the innermost container, and takes them from the list. Those of a tuple are in reverse. */
static void
append_offsets (FerryVariantWriter *self, const Frame *frame)
{
  guint n = self->offsets->len - frame->first_offset;
  guint offset_size = ferry_layout_choose_offset_size (self->size - frame->start, n);
  guint8 *place = append (self, (gsize) n * offset_size);

  for (guint i = 0; i < n; i++)
    {
      guint at = frame->first_offset + (*frame->type == 'a' ? i : n - 1 - i);
      gsize end = g_array_index (self->offsets, gsize, at);

      for (guint byte = 0; byte < offset_size; byte++)
        *place++ = (guint8) (end >> (8 * byte));
    }
  g_array_set_size (self->offsets, frame->first_offset);
}

/* Whether the innermost container has all its children. An array and a maybe always have. */
static gboolean
is_complete (const FerryVariantWriter *self)
{
  return self->frame > self->frames &&
         (*self->frame->type == 'a' || *self->frame->type == 'm' || self->frame->next == NULL);
}

/**
 * ferry_variant_writer_close:
 * @self: a writer with an open container that has all its children
 *
 * Closes the container that was opened last. Any thread, one at a time.
 */
void
ferry_variant_writer_close (FerryVariantWriter *self)
{
  Frame *frame;

  g_return_if_fail (self != NULL);
  ferry_return_if_fail (is_complete (self), "no container is open, or it lacks children; add them first");

  frame = self->frame--;
  if (self->offsets->len > frame->first_offset)
    append_offsets (self, frame);
  if (frame->measure.fixed_size > 0)
    {
      gsize n = frame->measure.fixed_size - (self->size - frame->start);

      memset (append (self, n), 0, n);
    }
  if (*frame->type == 'm' && frame->next == NULL && ferry_layout_measure (frame->type + 1).fixed_size == 0)
    *append (self, 1) = '\0';
  if (*frame->type == 'v')
    {
      gsize length = (gsize) (ferry_layout_measure (frame->inner).end - frame->inner);

      *append (self, 1) = '\0';
      memcpy (append (self, length), frame->inner, length);
    }
  end_child (self, &frame->measure);
}

/**
 * ferry_variant_writer_finish:
 * @self: a writer to which a whole value was added
 * @size: (out): return location for the number of bytes
 *
 * Ends a value. The writer is then at the beginning of the next value. Any thread, one at a time.
 *
 * Returns: (transfer none) (nullable): the bytes of the value, aligned to 8 bytes and valid until something is added
 *   to the writer; %NULL if the value lacks parts, which is a mistake of the program
 */
gconstpointer
ferry_variant_writer_finish (FerryVariantWriter *self, gsize *size)
{
  gboolean is_whole;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (size != NULL, NULL);

  is_whole = self->frame == self->frames && self->frame->next == NULL;
  *size = is_whole ? self->size : 0;
  begin_value (self);
  ferry_return_val_if_fail (is_whole, NULL, "the value lacks parts; add all of them, and close each container");
  return self->data;
}
