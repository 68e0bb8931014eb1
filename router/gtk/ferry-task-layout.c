/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the parts of a row are. See ferry-task-layout-private.h.
 *
 * A row is three lines: the name with the buttons, the bar, and what there is to say. A line has the whole width. In a
 * narrow row the name may take two lines, or even three, and what is said two, so that nothing of them is cut. In a
 * tiny one the state has a line of its own, and host and pace are there in a broad one. All that is a matter of how
 * many letters a row has room for. So all rows of a list are alike, and change with the size of their text.
 *
 * Invariant: the height of a row depends on its width and its text's size, and not on its task. Once the bar is gone,
 * what is said may take the bar's place too, and the row stands in the middle of its height. The thread that runs GTK.
 */

#include "config.h"

#include "gtk/ferry-task-layout-private.h"

#define COLUMN_SPACING 12
#define STATE_SPACING 8
#define LINE_SPACING 3

/* A row with room for fewer letters is narrow, or even tiny, and one with room for more is broad. */
#define TINY_LETTERS 28
#define NARROW_LETTERS 48
#define BROAD_LETTERS 64

/* The children of a row, in their order. */
typedef enum
{
  PART_TITLE,
  PART_HOST,
  PART_STATE,
  PART_BAR,
  PART_DETAIL,
  PART_PACE,
  PART_SIDE,
  N_PARTS
} Part;

/* What is known of the text of a widget, until its font changes. */
typedef struct
{
  guint serial;
  int letter_width;
  int line_height;
} Letters;

struct _FerryTaskLayout
{
  GtkLayoutManager parent_instance;

  FerryTaskShape *shape; /* (unowned): own_shape, or that of a list */
  FerryTaskShape own_shape;
  gboolean has_bar;
  Letters letters[N_PARTS + 1]; /* of the parts, and of the row */
};

typedef struct
{
  FerryTaskLayout *layout;
  GtkWidget *parts[N_PARTS]; /* (unowned) */
  int name_lines, words_lines;
  gboolean is_tiny, is_broad;
} Row;

G_DEFINE_FINAL_TYPE (FerryTaskLayout, ferry_task_layout, GTK_TYPE_LAYOUT_MANAGER)

static const Letters *
look_up_letters (Letters *letters, GtkWidget *widget)
{
  PangoContext *context = gtk_widget_get_pango_context (widget);
  guint serial = pango_context_get_serial (context);

  if (letters->serial != serial)
    {
      PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);

      letters->letter_width = PANGO_PIXELS (pango_font_metrics_get_approximate_char_width (metrics));
      letters->line_height =
        PANGO_PIXELS_CEIL (pango_font_metrics_get_ascent (metrics) + pango_font_metrics_get_descent (metrics));
      letters->serial = serial;
      pango_font_metrics_unref (metrics);
    }
  return letters;
}

static int
get_line_height (const Row *row, Part part)
{
  return look_up_letters (&row->layout->letters[part], row->parts[part])->line_height;
}

static Row
get_row (FerryTaskLayout *self, GtkWidget *widget, int width)
{
  int n_letters = width / MAX (look_up_letters (&self->letters[N_PARTS], widget)->letter_width, 1);
  Row row = {.layout = self, .name_lines = 1, .words_lines = 1, .is_broad = n_letters >= BROAD_LETTERS};
  guint part = 0;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && part < N_PARTS;
       child = gtk_widget_get_next_sibling (child))
    row.parts[part++] = child;
  if (n_letters < NARROW_LETTERS)
    row.name_lines = row.words_lines = 2;
  row.is_tiny = n_letters < TINY_LETTERS;
  if (row.is_tiny)
    row.name_lines = 3;
  return row;
}

static gboolean
is_there (const Row *row, Part part)
{
  if (!row->is_broad && (part == PART_HOST || part == PART_PACE))
    return FALSE;
  return gtk_widget_should_layout (row->parts[part]);
}

static int
measure (const Row *row, Part part, GtkOrientation orientation, int *natural)
{
  int minimum = 0;

  *natural = 0;
  if (is_there (row, part))
    gtk_widget_measure (row->parts[part], orientation, -1, &minimum, natural, NULL, NULL);
  return minimum;
}

/* Rows that have fewer buttons, or none, are as high as the others. */
static int
get_side_height (const Row *row)
{
  FerryTaskShape *shape = row->layout->shape;
  int height;

  measure (row, PART_SIDE, GTK_ORIENTATION_VERTICAL, &height);
  if (height > shape->side_height)
    {
      shape->side_height = height;
      if (shape->grown != NULL)
        shape->grown (shape->owner);
    }
  return is_there (row, PART_SIDE) ? shape->side_height : 0;
}

static int
get_name_height (const Row *row)
{
  return get_line_height (row, PART_TITLE) * row->name_lines;
}

static int
get_title_height (const Row *row)
{
  /* A name of one line has some room around it, for the buttons are higher. */
  return MAX (get_name_height (row) + 2 * LINE_SPACING, get_side_height (row));
}

/* Of what is said, below a bar. */
static int
get_detail_height (const Row *row)
{
  return get_line_height (row, PART_DETAIL) * row->words_lines;
}

/* Of all below the title. Without a bar there is a line more to read. */
static int
get_rest_height (const Row *row)
{
  int line = get_line_height (row, PART_DETAIL), bar;

  if (!row->layout->has_bar)
    return get_detail_height (row);
  measure (row, PART_BAR, GTK_ORIENTATION_VERTICAL, &bar);
  return get_detail_height (row) + MAX (bar + LINE_SPACING, line);
}

/* How high the words are that stand between state and pace. An inscription says nothing of that itself. */
static int
get_words_height (const Row *row, int width)
{
  GtkWidget *detail = row->parts[PART_DETAIL];
  g_autoptr (PangoLayout) layout =
    gtk_widget_create_pango_layout (detail, gtk_inscription_get_text (GTK_INSCRIPTION (detail)));
  int state, pace, height, line = get_line_height (row, PART_DETAIL);

  measure (row, PART_STATE, GTK_ORIENTATION_HORIZONTAL, &state);
  measure (row, PART_PACE, GTK_ORIENTATION_HORIZONTAL, &pace);
  if (!row->is_tiny)
    width -= state + STATE_SPACING + pace + (pace > 0 ? COLUMN_SPACING : 0);
  pango_layout_set_width (layout, MAX (width, 0) * PANGO_SCALE);
  pango_layout_get_pixel_size (layout, NULL, &height);
  return CLAMP (height + (row->is_tiny ? line : 0), line, get_rest_height (row));
}

/* ---- the layout manager ---- */

static GtkSizeRequestMode
ferry_task_layout_get_request_mode (GtkLayoutManager *manager, GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

/* A row can be as narrow as the narrow one. */
static void
measure_width (FerryTaskLayout *self, GtkWidget *widget, int *minimum, int *natural)
{
  static const Part lines[][2] = {{PART_TITLE, PART_SIDE}, {PART_BAR, PART_BAR}, {PART_STATE, PART_DETAIL}};
  Row row = get_row (self, widget, 0);

  *minimum = *natural = 0;
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      int line_minimum = 0, line_natural = 0;

      for (guint j = 0; j < (lines[i][0] == lines[i][1] ? 1 : 2); j++)
        {
          int part_natural, part_minimum = measure (&row, lines[i][j], GTK_ORIENTATION_HORIZONTAL, &part_natural);

          line_minimum += part_minimum + (line_minimum > 0 && part_minimum > 0 ? COLUMN_SPACING : 0);
          line_natural += part_natural + (line_natural > 0 && part_natural > 0 ? COLUMN_SPACING : 0);
        }
      *minimum = MAX (*minimum, line_minimum);
      *natural = MAX (*natural, line_natural);
    }
}

static void
ferry_task_layout_measure (GtkLayoutManager *manager, GtkWidget *widget, GtkOrientation orientation, int for_size,
                           int *minimum, int *natural, int *minimum_baseline, int *natural_baseline)
{
  FerryTaskLayout *self = FERRY_TASK_LAYOUT (manager);
  Row row;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      measure_width (self, widget, minimum, natural);
      return;
    }
  row = get_row (self, widget, for_size >= 0 ? for_size : G_MAXINT);
  *minimum = *natural = get_title_height (&row) + get_rest_height (&row);
}

/* A line that is given out from both its ends. */
typedef struct
{
  GtkWidget *widget; /* the row */
  int width;         /* of the row */
  int start, end;    /* what is left */
  int y, height;
} Line;

static void
allocate (const Line *line, const Row *row, Part part, int x, int width)
{
  gboolean mirrored = gtk_widget_get_direction (line->widget) == GTK_TEXT_DIR_RTL;

  gtk_widget_size_allocate (
    row->parts[part], &(GtkAllocation){mirrored ? line->width - x - width : x, line->y, MAX (width, 0), line->height},
    -1);
}

/* Gives a part its natural width, or so much that another part has its least one. */
static int
get_width (const Line *line, const Row *row, Part part, Part other, int spacing)
{
  int natural, minimum = measure (row, part, GTK_ORIENTATION_HORIZONTAL, &natural), unused;
  int left = line->end - line->start - spacing - measure (row, other, GTK_ORIENTATION_HORIZONTAL, &unused);

  return CLAMP (natural, minimum, MAX (left, minimum));
}

static void
allocate_at_start (Line *line, const Row *row, Part part, Part other, int spacing)
{
  int width;

  if (!is_there (row, part))
    return;
  width = get_width (line, row, part, other, spacing);
  allocate (line, row, part, line->start, width);
  line->start += width + spacing;
}

static void
allocate_at_end (Line *line, const Row *row, Part part, Part other)
{
  int width;

  gtk_widget_set_child_visible (row->parts[part], is_there (row, part));
  if (!is_there (row, part))
    return;
  width = get_width (line, row, part, other, COLUMN_SPACING);
  allocate (line, row, part, line->end - width, width);
  if (width > 0)
    line->end -= width + COLUMN_SPACING;
}

static void
allocate_rest (Line *line, const Row *row, Part part)
{
  if (is_there (row, part))
    allocate (line, row, part, line->start, line->end - line->start);
}

/* What is said, in a height that has room for at most so much. */
static void
allocate_words (Line line, const Row *row, int most)
{
  line.height = most;
  if (row->is_tiny && is_there (row, PART_STATE))
    {
      line.height = get_line_height (row, PART_DETAIL);
      allocate_rest (&line, row, PART_STATE);
      line.y += line.height;
      line.height = MAX (most - line.height, line.height);
    }
  else
    allocate_at_start (&line, row, PART_STATE, PART_DETAIL, STATE_SPACING);
  allocate_at_end (&line, row, PART_PACE, PART_DETAIL);
  allocate_rest (&line, row, PART_DETAIL);
}

/* The line at the top: it is as high as the buttons, or higher. */
static void
allocate_title (Line line, const Row *row)
{
  int name_height = get_name_height (row);

  allocate_at_end (&line, row, PART_SIDE, PART_TITLE);
  line.y += (line.height - name_height) / 2;
  line.height = name_height;
  allocate_at_end (&line, row, PART_HOST, PART_TITLE);
  allocate_rest (&line, row, PART_TITLE);
}

static void
ferry_task_layout_allocate (GtkLayoutManager *manager, GtkWidget *widget, int width, int height, int baseline)
{
  Row row = get_row (FERRY_TASK_LAYOUT (manager), widget, width);
  Line line = {.widget = widget, .width = width, .end = width, .height = get_title_height (&row)};
  int rest_height = get_rest_height (&row), words_height = rest_height, bar_height;

  line.y = (height - line.height - rest_height) / 2;
  if (!is_there (&row, PART_BAR))
    words_height = get_words_height (&row, width);
  line.y += (rest_height - words_height) / 2;
  allocate_title (line, &row);

  line.y += line.height;
  if (!is_there (&row, PART_BAR))
    {
      allocate_words (line, &row, words_height);
      return;
    }
  measure (&row, PART_BAR, GTK_ORIENTATION_VERTICAL, &bar_height);
  line.height = bar_height;
  allocate_rest (&line, &row, PART_BAR);
  line.y += rest_height - get_detail_height (&row);
  allocate_words (line, &row, get_detail_height (&row));
}

static void
ferry_task_layout_class_init (FerryTaskLayoutClass *klass)
{
  GtkLayoutManagerClass *manager_class = GTK_LAYOUT_MANAGER_CLASS (klass);

  manager_class->get_request_mode = ferry_task_layout_get_request_mode;
  manager_class->measure = ferry_task_layout_measure;
  manager_class->allocate = ferry_task_layout_allocate;
}

static void
ferry_task_layout_init (FerryTaskLayout *self)
{
  self->shape = &self->own_shape;
  self->has_bar = TRUE;
}

void
ferry_task_layout_set_shape (FerryTaskLayout *self, FerryTaskShape *shape)
{
  self->shape = shape != NULL ? shape : &self->own_shape;
}

void
ferry_task_layout_set_has_bar (FerryTaskLayout *self, gboolean has_bar)
{
  self->has_bar = has_bar;
}
