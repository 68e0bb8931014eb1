/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the parts of a row are, and which give way where it is narrow.
 *
 * A row is three lines: the name, the bar, and what there is to say. At its start are what the application puts there
 * and the icon of the state, and at its end are the buttons, beside all lines. In a narrow row with a bar the buttons
 * are beside the name only, and there the name may take three lines, and what is said two, so that nothing of them is
 * cut; in others one less. In a tiny one the buttons are below the name, beside the bar or the state, and all other
 * lines have the whole width. In a broad one there is room for host and pace, and a compact one has its bar beside the
 * name, unless it is narrow. All that is a matter of how many letters a row has room for. So all rows of a list are
 * alike, and change with the size of their text.
 *
 * Invariant: a row is as high as its texts need, and not lower again before it is told that the texts are those of
 * something else. So it does not jump with each report of a task. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-layout-private.h"

#include <string.h>

#define COLUMN_SPACING 12
#define ICON_SPACING 8
#define STATE_SPACING 8
#define LINE_SPACING 3

/* Of a compact row, what the bar takes of the line of the name. */
#define BAR_SHARE 3

/* A row with room for fewer letters is narrow, or even tiny, and one with room for more is broad. */
#define TINY_LETTERS 28
#define NARROW_LETTERS 48
#define BROAD_LETTERS 64

/* How many usual letters are as wide as the widest one. */
#define WIDEST_LETTER 3

/* The children of a row, in their order. */
typedef enum
{
  PART_PREFIX,
  PART_ICON,
  PART_TITLE,
  PART_HOST,
  PART_STATE,
  PART_BAR,
  PART_DETAIL,
  PART_LINK, /* to the details */
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

/* How high a text is, or the highest one that was there so far. */
typedef struct
{
  guint serial;
  int width, most_lines; /* what the height is for */
  int height;            /* 0: not known */
  gboolean is_known;     /* for the text that is there now */
} Text;

struct _FerryTaskLayout
{
  GtkLayoutManager parent_instance;

  Text name, words;
  gboolean is_compact;
  Letters letters[N_PARTS + 1]; /* of the parts, and of the row */
};

typedef struct
{
  FerryTaskLayout *layout;
  GtkWidget *parts[N_PARTS]; /* (unowned) */
  int width;
  gboolean is_tiny, is_narrow, is_broad, is_compact;
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
  Row row = {.layout = self,
             .width = width,
             .is_tiny = n_letters < TINY_LETTERS,
             .is_narrow = n_letters < NARROW_LETTERS,
             .is_compact = self->is_compact && n_letters >= NARROW_LETTERS,
             .is_broad = n_letters >= BROAD_LETTERS};
  guint part = 0;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && part < N_PARTS;
       child = gtk_widget_get_next_sibling (child))
    row.parts[part++] = child;
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

/* ---- heights ---- */

/* So few letters are one line, whichever they are. */
static gboolean
is_short (const char *words, int width, int letter_width)
{
  return g_utf8_strlen (words, -1) * WIDEST_LETTER * letter_width <= width && strchr (words, '\n') == NULL;
}

/* An inscription does not say how high its text is. */
static int
measure_text (const Text *text, const Letters *letters, GtkWidget *widget)
{
  GtkInscription *inscription = GTK_INSCRIPTION (widget);
  const char *words = gtk_inscription_get_text (inscription);
  g_autoptr (PangoLayout) layout = NULL;
  int height;

  if (words == NULL || text->most_lines == 1 || is_short (words, text->width, letters->letter_width))
    return letters->line_height;
  layout = gtk_widget_create_pango_layout (widget, words);
  pango_layout_set_attributes (layout, gtk_inscription_get_attributes (inscription));
  pango_layout_set_wrap (layout, gtk_inscription_get_wrap_mode (inscription));
  pango_layout_set_width (layout, MAX (text->width, 0) * PANGO_SCALE);
  pango_layout_get_size (layout, NULL, &height);
  if (pango_layout_get_line_count (layout) <= text->most_lines)
    return MAX (PANGO_PIXELS_CEIL (height), letters->line_height);
  return PANGO_PIXELS_CEIL (height) * text->most_lines / pango_layout_get_line_count (layout);
}

static int
get_text_height (Text *text, const Row *row, Part part, int width, int most_lines)
{
  const Letters *letters = look_up_letters (&row->layout->letters[part], row->parts[part]);

  if (text->serial != letters->serial || text->width != width || text->most_lines != most_lines)
    *text = (Text){.serial = letters->serial, .width = width, .most_lines = most_lines};
  if (!text->is_known)
    text->height = MAX (text->height, measure_text (text, letters, row->parts[part]));
  text->is_known = TRUE;
  return text->height;
}

static int
get_height (const Row *row, Part part)
{
  int height;

  measure (row, part, GTK_ORIENTATION_VERTICAL, &height);
  return height;
}

/* What a part takes of the width of others. */
static int
get_taken (const Row *row, Part part, int spacing)
{
  int width;

  measure (row, part, GTK_ORIENTATION_HORIZONTAL, &width);
  return width > 0 ? width + spacing : 0;
}

/* Whether the buttons are beside all lines, and not beside one of them. */
static gboolean
has_side_beside (const Row *row)
{
  return !row->is_tiny && (!row->is_narrow || !is_there (row, PART_BAR));
}

/* What the line of the name has for it, and for the bar if that is there, too. */
static int
get_title_width (const Row *row)
{
  int width = row->width - get_taken (row, PART_PREFIX, COLUMN_SPACING) - get_taken (row, PART_ICON, ICON_SPACING);

  return row->is_tiny ? width
                      : width - get_taken (row, PART_SIDE, COLUMN_SPACING) - get_taken (row, PART_HOST, COLUMN_SPACING);
}

static int
get_compact_bar_width (const Row *row)
{
  return row->is_compact && is_there (row, PART_BAR) ? get_title_width (row) / BAR_SHARE : 0;
}

/* What the other lines have. */
static int
get_inner_width (const Row *row)
{
  int width = row->width;

  if (row->is_tiny)
    return width;
  if (has_side_beside (row))
    width -= get_taken (row, PART_SIDE, COLUMN_SPACING);
  return width - get_taken (row, PART_PREFIX, COLUMN_SPACING) - get_taken (row, PART_ICON, ICON_SPACING);
}

static int
get_name_height (const Row *row)
{
  int bar_width = get_compact_bar_width (row), width = get_title_width (row);

  return get_text_height (&row->layout->name, row, PART_TITLE,
                          bar_width > 0 ? width - bar_width - COLUMN_SPACING : width, row->is_narrow ? 3 : 2);
}

/* A name of one line has some room around it where the buttons are, which are higher. */
static int
get_title_height (const Row *row)
{
  int height = get_name_height (row);

  if (row->is_tiny)
    return MAX (height, get_height (row, PART_PREFIX)) + LINE_SPACING;
  return has_side_beside (row) ? height + LINE_SPACING : MAX (height + 2 * LINE_SPACING, get_height (row, PART_SIDE));
}

/* Of the line of the bar. In a tiny row the buttons are there, too, and the state where there is no bar. */
static int
get_middle_height (const Row *row)
{
  int height = 0;

  if (is_there (row, PART_BAR))
    height = row->is_compact ? 0 : get_height (row, PART_BAR);
  else if (row->is_tiny && is_there (row, PART_STATE))
    height = get_line_height (row, PART_STATE);
  if (row->is_tiny)
    return MAX (height, get_height (row, PART_SIDE));
  return height > 0 ? height + LINE_SPACING : 0;
}

/* A state beside the words would leave them a column of some letters, and so would a link behind them. */
static gboolean
has_line_of_state (const Row *row)
{
  return is_there (row, PART_STATE) &&
         (row->is_tiny ? is_there (row, PART_BAR) : row->is_narrow && is_there (row, PART_LINK));
}

/* Below the words, where the line of the state has no room for it. */
static gboolean
has_line_of_link (const Row *row)
{
  return row->is_narrow && is_there (row, PART_LINK) && !has_line_of_state (row);
}

/* Without a bar there is a line more to read. */
static int
get_words_height (const Row *row)
{
  int width = get_inner_width (row), most = (row->is_narrow ? 2 : 1) + (is_there (row, PART_BAR) ? 0 : 1);
  int n_lines = (has_line_of_state (row) ? 1 : 0) + (has_line_of_link (row) ? 1 : 0);
  const char *words = gtk_inscription_get_text (GTK_INSCRIPTION (row->parts[PART_DETAIL]));
  gboolean is_empty = words == NULL || *words == '\0';

  if (is_empty && (n_lines > 0 || (row->is_tiny && !is_there (row, PART_BAR) && is_there (row, PART_STATE))))
    return n_lines * get_line_height (row, PART_STATE);
  /* A narrow row that has given the buttons a column has a line more for it. */
  if (row->is_narrow && has_side_beside (row))
    most++;
  if (!row->is_tiny && !has_line_of_state (row))
    width -= get_taken (row, PART_STATE, STATE_SPACING);
  if (!row->is_narrow)
    width -= get_taken (row, PART_LINK, COLUMN_SPACING) + get_taken (row, PART_PACE, COLUMN_SPACING);
  return get_text_height (&row->layout->words, row, PART_DETAIL, width, most) +
         n_lines * get_line_height (row, PART_STATE);
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
  static const Part lines[][4] = {
    {PART_PREFIX, PART_ICON, PART_TITLE, PART_SIDE}, {PART_BAR}, {PART_STATE, PART_DETAIL}};
  static const guint lengths[] = {4, 1, 2};
  Row row = get_row (self, widget, 0);

  *minimum = *natural = 0;
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      int line_minimum = 0, line_natural = 0;

      for (guint j = 0; j < lengths[i]; j++)
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
  *natural = get_title_height (&row) + get_middle_height (&row) + get_words_height (&row);
  if (!row.is_tiny)
    *natural = MAX (*natural, MAX (get_height (&row, PART_PREFIX), get_height (&row, PART_SIDE)));
  *minimum = *natural;
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

/* The icon stands beside the first line of the name. */
static void
allocate_icon (Line *line, const Row *row)
{
  Line first = *line;

  first.height = MIN (get_line_height (row, PART_TITLE), line->height);
  allocate_at_start (&first, row, PART_ICON, PART_TITLE, ICON_SPACING);
  line->start = first.start;
}

static void
allocate_compact_bar (Line *line, const Row *row)
{
  int width = get_compact_bar_width (row);

  if (width <= 0)
    return;
  allocate (line, row, PART_BAR, line->end - width, width);
  line->end -= width + COLUMN_SPACING;
}

/* Returns where the lines below begin. */
static int
allocate_title (Line line, const Row *row)
{
  int name_height = get_name_height (row), start = line.start;

  if (row->is_tiny)
    allocate_at_start (&line, row, PART_PREFIX, PART_TITLE, COLUMN_SPACING);
  else if (has_side_beside (row))
    line.height -= LINE_SPACING;
  else
    allocate_at_end (&line, row, PART_SIDE, PART_TITLE);
  line.y += (line.height - name_height) / 2;
  line.height = name_height;
  allocate_icon (&line, row);
  if (!row->is_tiny)
    start = line.start;
  allocate_at_end (&line, row, PART_HOST, PART_TITLE);
  allocate_compact_bar (&line, row);
  allocate_rest (&line, row, PART_TITLE);
  return start;
}

static void
allocate_middle (Line line, const Row *row)
{
  Part part = is_there (row, PART_BAR) ? PART_BAR : PART_STATE;
  int height = line.height, natural = get_line_height (row, PART_STATE);

  if (row->is_tiny)
    allocate_at_end (&line, row, PART_SIDE, part);
  else if (part == PART_STATE || row->is_compact)
    return;
  if (part == PART_BAR)
    natural = get_height (row, PART_BAR);
  line.height = natural;
  line.y += row->is_tiny ? (height - natural) / 2 : 0;
  allocate_rest (&line, row, part);
}

/* Takes a line of the words. */
static Line
take_line (Line *words, const Row *row)
{
  Line line = *words;

  line.height = get_line_height (row, PART_STATE);
  words->y += line.height;
  words->height -= line.height;
  return line;
}

static void
allocate_words (Line words, const Row *row)
{
  if (has_line_of_state (row))
    {
      Line line = take_line (&words, row);

      if (!row->is_tiny)
        allocate_at_end (&line, row, PART_LINK, PART_STATE);
      allocate_rest (&line, row, PART_STATE);
    }
  else if (!row->is_tiny)
    allocate_at_start (&words, row, PART_STATE, PART_DETAIL, STATE_SPACING);
  allocate_at_end (&words, row, PART_PACE, PART_DETAIL);
  if (has_line_of_link (row))
    {
      Line line = words;

      line.height = get_line_height (row, PART_STATE);
      line.y += words.height - line.height;
      words.height -= line.height;
      allocate_at_start (&line, row, PART_LINK, PART_DETAIL, COLUMN_SPACING);
    }
  else if (!row->is_narrow)
    allocate_at_end (&words, row, PART_LINK, PART_DETAIL);
  allocate_rest (&words, row, PART_DETAIL);
}

static void
ferry_task_layout_allocate (GtkLayoutManager *manager, GtkWidget *widget, int width, int height, int baseline)
{
  Row row = get_row (FERRY_TASK_LAYOUT (manager), widget, width);
  Line line = {.widget = widget, .width = width, .end = width, .height = height};
  int title_height = get_title_height (&row), middle_height = get_middle_height (&row);
  int words_height = get_words_height (&row);

  if (!row.is_tiny)
    allocate_at_start (&line, &row, PART_PREFIX, PART_TITLE, COLUMN_SPACING);
  if (has_side_beside (&row))
    allocate_at_end (&line, &row, PART_SIDE, PART_TITLE);
  line.y = (height - title_height - middle_height - words_height) / 2;
  line.height = title_height;
  line.start = allocate_title (line, &row);
  line.y += title_height;
  line.height = middle_height;
  allocate_middle (line, &row);
  line.y += middle_height;
  line.height = words_height;
  allocate_words (line, &row);
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
}

void
ferry_task_layout_begin (FerryTaskLayout *self, GtkWidget *row)
{
  self->name.height = self->words.height = 0;
  self->name.is_known = self->words.is_known = FALSE;
  gtk_widget_queue_resize (row);
}

void
ferry_task_layout_change_words (FerryTaskLayout *self, GtkWidget *row)
{
  Row parts = get_row (self, row, self->words.width);
  int before = self->words.height;

  self->words.is_known = FALSE;
  if (before > 0 &&
      get_text_height (&self->words, &parts, PART_DETAIL, self->words.width, self->words.most_lines) > before)
    gtk_widget_queue_resize (row);
}

void
ferry_task_layout_set_compact (FerryTaskLayout *self, gboolean is_compact)
{
  self->is_compact = is_compact;
  gtk_layout_manager_layout_changed (GTK_LAYOUT_MANAGER (self));
}
