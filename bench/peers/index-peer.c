/*
 * What `npm run bench -- index` compares the reader of an index with: the same work by libmspack and expat, the libraries
 * that a program in C would take. It is given every advantage that keeps the work the same: the file is mapped, inner
 * cabinets are unpacked into memory instead of files, one parser is used again for all fragments, and values are kept in
 * one arena that is never freed. Like our reader it checks GUIDs, digests and numbers, and puts list and fragments together
 * to a catalogue: rows by RevisionId, references that lead somewhere, files with what all their fragments say of them.
 *
 * It is one file of more than 300 lines, since one call of the compiler builds it and its parts share one state.
 *
 *   index-peer MODE FILE
 *
 * Modes: `package` parses package.xml only and keeps its values; `decode` unpacks everything and counts bytes;
 * `selective` parses package.xml, every x/ and l/en/ fragment, and each c/ fragment up to its Properties; `full` parses
 * every fragment. Prints counts as one line of JSON. Exit codes: 0 done, 1 failed, 2 wrong arguments.
 *
 * Build: gcc -O2 -o index-peer index-peer.c -lmspack -lexpat (Debian: libmspack-dev, libexpat1-dev)
 */
#include <ctype.h>
#include <expat.h>
#include <fcntl.h>
#include <mspack.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum mode { PACKAGE, DECODE, SELECTIVE, FULL };
static const char *const mode_names[] = {"package", "decode", "selective", "full"};

static struct {
  unsigned long long members, bytes, files, elements, attributes, text_bytes, updates, locations;
  /* Of the catalogue that is put together. */
  unsigned long long joined_files, sha256s, references, titles, kbs, gaps;
} counts;

static void fail(const char *what, const char *which) {
  fprintf(stderr, "index-peer: %s%s%s\n", what, which == NULL ? "" : ": ", which == NULL ? "" : which);
  exit(1);
}

static void *checked(void *memory) {
  if (memory == NULL) fail("out of memory", NULL);
  return memory;
}

/* ---- What is kept: one arena, never freed ---- */

static char *arena;
static size_t arena_left;

static void *keep(const void *bytes, size_t length) {
  const size_t rounded = (length + 7) & ~(size_t)7;
  if (rounded > arena_left) {
    arena_left = rounded > (1u << 20) ? rounded : (1u << 20);
    arena = checked(malloc(arena_left));
  }
  char *at = arena;
  memcpy(at, bytes, length);
  arena += rounded;
  arena_left -= rounded;
  return at;
}

static char *keep_text(const char *text) { return keep(text, strlen(text) + 1); }

/* A map from keys of one width to records, by open addressing; the slots double when half of them are used. */
struct map {
  size_t width, size, used;
  unsigned char *keys;
  void **values;
};

static size_t map_slot(const struct map *map, const void *key) {
  uint64_t hash = 14695981039346656037ull;
  for (size_t i = 0; i < map->width; i++) hash = (hash ^ ((const unsigned char *)key)[i]) * 1099511628211ull;
  size_t at = (hash ^ (hash >> 29)) & (map->size - 1);
  while (map->values[at] != NULL && memcmp(map->keys + at * map->width, key, map->width) != 0)
    at = (at + 1) & (map->size - 1);
  return at;
}

static void *map_get(const struct map *map, const void *key) {
  return map->size == 0 ? NULL : map->values[map_slot(map, key)];
}

static void map_put(struct map *map, const void *key, void *value) {
  if (2 * (map->used + 1) > map->size) {
    struct map larger = {map->width, map->size == 0 ? 1024 : 2 * map->size, map->used, NULL, NULL};
    larger.keys = checked(malloc(larger.size * larger.width));
    larger.values = checked(calloc(larger.size, sizeof(void *)));
    for (size_t i = 0; i < map->size; i++) {
      if (map->values[i] == NULL) continue;
      size_t at = map_slot(&larger, map->keys + i * map->width);
      memcpy(larger.keys + at * map->width, map->keys + i * map->width, map->width);
      larger.values[at] = map->values[i];
    }
    free(map->keys);
    free(map->values);
    *map = larger;
  }
  size_t at = map_slot(map, key);
  if (map->values[at] == NULL) {
    memcpy(map->keys + at * map->width, key, map->width);
    map->used++;
  }
  map->values[at] = value;
}

/* A list of numbers, keys or texts. */
struct item {
  struct item *next;
  union {
    uint32_t number;
    unsigned char key[20];
    const char *text;
  } value;
};
struct list {
  struct item *first, **end;
};

static struct item *append(struct list *list) {
  struct item item = {NULL, {0}};
  struct item *kept = keep(&item, sizeof item);
  if (list->end == NULL) list->end = &list->first;
  *list->end = kept;
  list->end = &kept->next;
  return kept;
}

struct update {
  uint32_t revision_id, revision;
  unsigned char guid[16], classification[16];
  int is_bundle, is_leaf;
  char action; /* i, b or e */
  const char *created;
  struct list payload, prerequisites, bundled_by, superseded_by, products, families, companies;
};
struct file {
  const char *name, *url;
  unsigned long long size;
  unsigned char sha256[32];
  int is_known, has_sha256, is_contradicted;
};
struct described {
  struct described *next;
  unsigned char sha1[20], sha256[32];
  const char *name;
  unsigned long long size;
  int has_sha256;
};
struct fragment {
  unsigned char guid[16];
  uint32_t revision;
  char type;
  const char *severity, *reboot, *title;
  struct list kbs, bulletins, cves;
  struct described *files, **files_end;
};

static struct map updates = {4, 0, 0, NULL, NULL}, locations = {20, 0, 0, NULL, NULL}, files = {20, 0, 0, NULL, NULL};
static struct map fragments[3] = {{4, 0, 0, NULL, NULL}, {4, 0, 0, NULL, NULL}, {4, 0, 0, NULL, NULL}};
static struct update *update;
static struct fragment *fragment;

/* ---- Values: the checks that our reader makes ---- */

static void guid(const char *text, unsigned char *into) {
  int high = -1;
  size_t digits = 0, at = 0;
  for (; text[at] != '\0'; at++) {
    if (at == 8 || at == 13 || at == 18 || at == 23) {
      if (text[at] != '-') fail("not a GUID", text);
      continue;
    }
    if (!isxdigit((unsigned char)text[at]) || digits == 32) fail("not a GUID", text);
    int value = isdigit((unsigned char)text[at]) ? text[at] - '0' : (text[at] | 0x20) - 'a' + 10;
    if (high == -1) high = value;
    else {
      into[digits / 2] = (unsigned char)(high << 4 | value);
      high = -1;
    }
    digits++;
  }
  if (digits != 32) fail("not a GUID", text);
}

static signed char base64_values[256];

/* Of just so many bytes, padding included. */
static void base64(const char *text, unsigned char *into, size_t length) {
  const size_t digits = (length * 8 + 5) / 6, padded = (length + 2) / 3 * 4;
  uint32_t bits = 0;
  int held = 0;
  size_t at = 0;
  if (strlen(text) != padded) fail("a digest of another length", text);
  for (size_t i = 0; i < padded; i++) {
    if (i >= digits) {
      if (text[i] != '=') fail("not base64", text);
      continue;
    }
    int value = base64_values[(unsigned char)text[i]];
    if (value < 0) fail("not base64", text);
    bits = bits << 6 | (uint32_t)value;
    if ((held += 6) < 8) continue;
    held -= 8;
    into[at++] = (unsigned char)(bits >> held);
  }
}

static unsigned long long number(const char *text) {
  unsigned long long value = 0;
  size_t at = 0;
  for (; text[at] >= '0' && text[at] <= '9'; at++) value = value * 10 + (unsigned)(text[at] - '0');
  /* What JavaScript counts to has 16 digits. */
  if (at == 0 || at > 16 || text[at] != '\0') fail("not a number", text);
  return value;
}

/* ---- XML ---- */

static XML_Parser parser;
static int depth;
static int stopped, stops_at_properties;
/* Text of the open element, when it is one whose text is kept. */
static char text[1 << 16];
static size_t text_length;
static char text_wanted; /* K, B, C, D (a digest) or T */

static const char *attribute(const XML_Char **attributes, const char *name) {
  for (; attributes[0] != NULL; attributes += 2)
    if (strcmp(attributes[0], name) == 0) return attributes[1];
  return NULL;
}

static const char *required(const XML_Char **attributes, const char *name) {
  const char *value = attribute(attributes, name);
  if (value == NULL) fail("an element without", name);
  return value;
}

static void count_start(const XML_Char **attributes) {
  counts.elements++;
  for (; attributes[0] != NULL; attributes += 2) counts.attributes++;
}

static void open_update(const XML_Char **attributes) {
  static const struct update none;
  const char *action = attribute(attributes, "DeploymentAction");
  const char *is_bundle = attribute(attributes, "IsBundle"), *is_leaf = attribute(attributes, "IsLeaf");
  update = keep(&none, sizeof none);
  update->revision_id = (uint32_t)number(required(attributes, "RevisionId"));
  update->revision = (uint32_t)number(required(attributes, "RevisionNumber"));
  guid(required(attributes, "UpdateId"), update->guid);
  update->created = keep_text(required(attributes, "CreationDate"));
  update->action = action == NULL ? 'i' : action[0] == 'B' ? 'b' : 'e';
  update->is_bundle = is_bundle != NULL && strcmp(is_bundle, "true") == 0;
  update->is_leaf = is_leaf != NULL && strcmp(is_leaf, "true") == 0;
  map_put(&updates, &update->revision_id, update);
  counts.updates++;
}

/* What Revision and UpdateId elements are of. */
static enum { NOTHING, PREREQUISITES, BUNDLED_BY, SUPERSEDED_BY } part;

static void XMLCALL package_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  (void)data;
  count_start(attributes);
  if (strcmp(name, "Update") == 0) open_update(attributes);
  else if (strcmp(name, "FileLocation") == 0) {
    unsigned char sha1[20];
    base64(required(attributes, "Id"), sha1, 20);
    map_put(&locations, sha1, keep_text(required(attributes, "Url")));
    counts.locations++;
  } else if (strcmp(name, "Prerequisites") == 0) part = PREREQUISITES;
  else if (strcmp(name, "BundledBy") == 0) part = BUNDLED_BY;
  else if (strcmp(name, "SupersededBy") == 0) part = SUPERSEDED_BY;
  else if (strcmp(name, "File") == 0) base64(required(attributes, "Id"), append(&update->payload)->value.key, 20);
  else if (strcmp(name, "UpdateId") == 0) guid(required(attributes, "Id"), append(&update->prerequisites)->value.key);
  else if (strcmp(name, "Or") == 0) append(&update->prerequisites);
  else if (strcmp(name, "Revision") == 0) {
    struct list *list = part == BUNDLED_BY ? &update->bundled_by : &update->superseded_by;
    append(list)->value.number = (uint32_t)number(required(attributes, "Id"));
  } else if (strcmp(name, "Category") == 0) {
    const char *type = required(attributes, "Type");
    const char *id = required(attributes, "Id");
    if (strcmp(type, "UpdateClassification") == 0) guid(id, update->classification);
    else if (strcmp(type, "Product") == 0) guid(id, append(&update->products)->value.key);
    else if (strcmp(type, "ProductFamily") == 0) guid(id, append(&update->families)->value.key);
    else if (strcmp(type, "Company") == 0) guid(id, append(&update->companies)->value.key);
  }
}

static void open_file(const XML_Char **attributes) {
  static const struct described none;
  struct described *file = keep(&none, sizeof none);
  base64(required(attributes, "Digest"), file->sha1, 20);
  file->name = keep_text(required(attributes, "FileName"));
  file->size = number(required(attributes, "Size"));
  if (fragment->files_end == NULL) fragment->files_end = &fragment->files;
  *fragment->files_end = file;
  fragment->files_end = &file->next;
}

static void XMLCALL fragment_start(void *data, const XML_Char *name, const XML_Char **attributes) {
  (void)data;
  if (depth++ == 0) return; /* the root that fragments lack */
  count_start(attributes);
  text_wanted = 0;
  if (strcmp(name, "UpdateIdentity") == 0 && depth == 2) {
    guid(required(attributes, "UpdateID"), fragment->guid);
    fragment->revision = (uint32_t)number(required(attributes, "RevisionNumber"));
  } else if (strcmp(name, "Properties") == 0) {
    const char *type = attribute(attributes, "UpdateType");
    fragment->type = type == NULL ? '?' : type[0];
    if (stops_at_properties) {
      stopped = 1;
      XML_StopParser(parser, XML_FALSE);
    }
  } else if (strcmp(name, "File") == 0) open_file(attributes);
  else if (strcmp(name, "ExtendedProperties") == 0) {
    const char *severity = attribute(attributes, "MsrcSeverity");
    if (severity != NULL) fragment->severity = keep_text(severity);
  } else if (strcmp(name, "InstallationBehavior") == 0) {
    const char *reboot = attribute(attributes, "RebootBehavior");
    if (reboot != NULL) fragment->reboot = keep_text(reboot);
  } else if (strcmp(name, "KBArticleID") == 0) text_wanted = 'K';
  else if (strcmp(name, "SecurityBulletinID") == 0) text_wanted = 'B';
  else if (strcmp(name, "CveID") == 0) text_wanted = 'C';
  else if (strcmp(name, "AdditionalDigest") == 0) text_wanted = 'D';
  else if (strcmp(name, "Title") == 0) text_wanted = 'T';
  text_length = 0;
}

static void XMLCALL fragment_end(void *data, const XML_Char *name) {
  (void)data;
  (void)name;
  depth--;
  if (text_wanted == 0) return;
  text[text_length] = '\0';
  switch (text_wanted) {
  case 'K':
    append(&fragment->kbs)->value.text = keep_text(text);
    break;
  case 'B':
    append(&fragment->bulletins)->value.text = keep_text(text);
    break;
  case 'C':
    append(&fragment->cves)->value.text = keep_text(text);
    break;
  case 'T':
    fragment->title = keep_text(text);
    break;
  default: {
    struct described *file = fragment->files;
    while (file != NULL && file->next != NULL) file = file->next;
    if (file == NULL) break;
    base64(text, file->sha256, 32);
    file->has_sha256 = 1;
  }
  }
  text_wanted = 0;
}

static void XMLCALL on_text(void *data, const XML_Char *bytes, int length) {
  (void)data;
  counts.text_bytes += (unsigned)length;
  if (text_wanted == 0) return;
  if (text_length + (size_t)length >= sizeof text) fail("a text is too long", NULL);
  memcpy(text + text_length, bytes, (size_t)length);
  text_length += (size_t)length;
}

static void parse(const char *bytes, int length, int is_final) {
  if (stopped) return;
  if (XML_Parse(parser, bytes, length, is_final) == XML_STATUS_ERROR && !stopped)
    fail("XML", XML_ErrorString(XML_GetErrorCode(parser)));
}

static int is_fragment;

static void begin_document(int is_one) {
  XML_ParserReset(parser, "UTF-8");
  XML_SetCharacterDataHandler(parser, on_text);
  depth = 0;
  stopped = 0;
  text_wanted = 0;
  is_fragment = is_one;
  if (!is_one) {
    XML_SetStartElementHandler(parser, package_start);
    return;
  }
  XML_SetElementHandler(parser, fragment_start, fragment_end);
  parse("<r>", 3, 0);
}

static void end_document(void) {
  if (is_fragment) parse("</r>", 4, 1);
  else parse("", 0, 1);
  counts.files++;
}

/* ---- Cabinets ---- */

/* Behind the library's opaque `struct mspack_file`. */
struct memory_file {
  const unsigned char *bytes;
  size_t length, position;
};

/* What is written: into memory, to the parser, or nowhere. */
static enum { COUNT, PARSE, COLLECT } output;
static unsigned char *collected;
static size_t collected_length, collected_room;
/* What the next file that is opened for reading is. */
static const unsigned char *next_bytes;
static size_t next_length;
static struct memory_file output_file;

static struct mspack_file *sys_open(struct mspack_system *self, const char *name, int mode) {
  (void)self;
  (void)name;
  if (mode == MSPACK_SYS_OPEN_WRITE) return (struct mspack_file *)&output_file;
  struct memory_file *file = checked(malloc(sizeof *file));
  file->bytes = next_bytes;
  file->length = next_length;
  file->position = 0;
  return (struct mspack_file *)file;
}

static void sys_close(struct mspack_file *handle) {
  if (handle != (struct mspack_file *)&output_file) free(handle);
}

static int sys_read(struct mspack_file *handle, void *buffer, int bytes) {
  struct memory_file *file = (struct memory_file *)handle;
  size_t left = file->length - file->position;
  size_t count = (size_t)bytes < left ? (size_t)bytes : left;
  memcpy(buffer, file->bytes + file->position, count);
  file->position += count;
  return (int)count;
}

static int sys_write(struct mspack_file *handle, void *buffer, int bytes) {
  (void)handle;
  counts.bytes += (unsigned)bytes;
  if (output == PARSE) {
    parse(buffer, bytes, 0);
  } else if (output == COLLECT) {
    if (collected_length + (size_t)bytes > collected_room) return -1;
    memcpy(collected + collected_length, buffer, (size_t)bytes);
    collected_length += (size_t)bytes;
  }
  return bytes;
}

static int sys_seek(struct mspack_file *handle, off_t offset, int mode) {
  struct memory_file *file = (struct memory_file *)handle;
  off_t from = mode == MSPACK_SYS_SEEK_START ? 0 : (off_t)(mode == MSPACK_SYS_SEEK_CUR ? file->position : file->length);
  if (from + offset < 0 || from + offset > (off_t)file->length) return -1;
  file->position = (size_t)(from + offset);
  return 0;
}

static off_t sys_tell(struct mspack_file *handle) { return (off_t)((struct memory_file *)handle)->position; }
static void sys_message(struct mspack_file *file, const char *format, ...) {
  (void)file;
  (void)format;
}
static void *sys_alloc(struct mspack_system *self, size_t bytes) {
  (void)self;
  return malloc(bytes);
}
static void sys_copy(void *source, void *target, size_t bytes) { memcpy(target, source, bytes); }

static struct mspack_system memory_system = {
    sys_open, sys_close, sys_read, sys_write, sys_seek, sys_tell, sys_message, sys_alloc, free, sys_copy, NULL};

static struct mscabd_cabinet *open_cab(struct mscab_decompressor *reader, const unsigned char *bytes, size_t length) {
  next_bytes = bytes;
  next_length = length;
  struct mscabd_cabinet *cab = reader->open(reader, "cabinet");
  if (cab == NULL) fail("a cabinet cannot be opened", NULL);
  return cab;
}

static void extract(struct mscab_decompressor *reader, struct mscabd_file *file) {
  if (reader->extract(reader, file, "file") != MSPACK_ERR_OK) fail("cannot unpack", file->filename);
}

static int is_parsed(enum mode mode, const char *name) {
  if (strcmp(name, "package.xml") == 0) return mode != DECODE;
  switch (mode) {
  case SELECTIVE:
    return strncmp(name, "c\\", 2) == 0 || strncmp(name, "x\\", 2) == 0 || strncmp(name, "l\\en\\", 5) == 0;
  case FULL:
    return strncmp(name, "c\\", 2) == 0 || strncmp(name, "x\\", 2) == 0 || strncmp(name, "l\\", 2) == 0;
  default:
    return 0;
  }
}

static void read_inner(enum mode mode, struct mscab_decompressor *reader, const unsigned char *bytes, size_t length) {
  struct mscabd_cabinet *cab = open_cab(reader, bytes, length);
  /* The cabinet is opened again by its name at each folder. */
  for (struct mscabd_file *file = cab->files; file != NULL; file = file->next) {
    counts.members++;
    next_bytes = bytes;
    next_length = length;
    if (mode == DECODE) {
      output = COUNT;
      extract(reader, file);
      continue;
    }
    if (!is_parsed(mode, file->filename)) continue;
    const int is_fragment_name = file->filename[1] == '\\';
    output = PARSE;
    if (is_fragment_name) {
      static const struct fragment none;
      const char letter = file->filename[0];
      const uint32_t revision_id = (uint32_t)number(strrchr(file->filename, '\\') + 1);
      fragment = keep(&none, sizeof none);
      /* Of the languages English counts; the others are read and forgotten. */
      if (letter != 'l' || strncmp(file->filename, "l\\en\\", 5) == 0)
        map_put(&fragments[letter == 'c' ? 0 : letter == 'x' ? 1 : 2], &revision_id, fragment);
    }
    stops_at_properties = mode == SELECTIVE && file->filename[0] == 'c';
    begin_document(is_fragment_name);
    extract(reader, file);
    end_document();
  }
  reader->close(reader, cab);
}

/* ---- The catalogue: list and fragments put together by RevisionId, as our reader does ---- */

static int by_revision_id(const void *a, const void *b) {
  const uint32_t left = (*(struct update *const *)a)->revision_id, right = (*(struct update *const *)b)->revision_id;
  return (left > right) - (left < right);
}

static unsigned long long present(const struct list *list) {
  unsigned long long count = 0;
  for (const struct item *item = list->first; item != NULL; item = item->next)
    if (map_get(&updates, &item->value.number) != NULL) count++;
  return count;
}

static void join_file(const unsigned char *sha1, const struct described *described) {
  static const struct file none;
  struct file *file = map_get(&files, sha1);
  if (file == NULL) {
    file = keep(&none, sizeof none);
    file->url = map_get(&locations, sha1);
    map_put(&files, sha1, file);
    counts.joined_files++;
  }
  for (; described != NULL; described = described->next) {
    if (memcmp(described->sha1, sha1, 20) != 0) continue;
    if (file->is_known && file->size != described->size) file->is_contradicted = 1;
    if (file->name == NULL || strcmp(described->name, file->name) < 0) file->name = described->name;
    file->size = described->size;
    file->is_known = 1;
    if (!described->has_sha256) continue;
    if (file->has_sha256 && memcmp(file->sha256, described->sha256, 32) != 0) file->is_contradicted = 1;
    memcpy(file->sha256, described->sha256, 32);
    if (!file->has_sha256) counts.sha256s++;
    file->has_sha256 = 1;
  }
}

static void join_update(const struct update *one) {
  const struct fragment *core = map_get(&fragments[0], &one->revision_id);
  const struct fragment *extended = map_get(&fragments[1], &one->revision_id);
  const struct fragment *localized = map_get(&fragments[2], &one->revision_id);
  if (core == NULL || (extended == NULL && one->action != 'e')) counts.gaps++;
  if (core != NULL && (memcmp(core->guid, one->guid, 16) != 0 || core->revision != one->revision)) counts.gaps++;
  counts.references += present(&one->bundled_by) + present(&one->superseded_by);
  if (localized != NULL && localized->title != NULL) counts.titles++;
  if (extended != NULL && extended->kbs.first != NULL) {
    for (const struct item *kb = extended->kbs.first; kb != NULL; kb = kb->next) counts.kbs++;
  } else if (localized != NULL && localized->title != NULL && strstr(localized->title, "(KB") != NULL) {
    counts.kbs++;
  }
  for (const struct item *file = one->payload.first; file != NULL; file = file->next)
    join_file(file->value.key, extended == NULL ? NULL : extended->files);
}

static void join_catalogue(void) {
  struct update **rows = checked(malloc(updates.used * sizeof *rows));
  size_t count = 0;
  for (size_t i = 0; i < updates.size; i++)
    if (updates.values[i] != NULL) rows[count++] = updates.values[i];
  qsort(rows, count, sizeof *rows, by_revision_id);
  for (size_t i = 0; i < count; i++) join_update(rows[i]);
  free(rows);
}

int main(int argc, char **argv) {
  int mode = -1;
  for (int i = 0; argc == 3 && i < 4; i++)
    if (strcmp(argv[1], mode_names[i]) == 0) mode = i;
  if (mode == -1) {
    fprintf(stderr, "usage: index-peer package|decode|selective|full FILE\n");
    return 2;
  }
  int descriptor = open(argv[2], O_RDONLY);
  struct stat status;
  if (descriptor == -1 || fstat(descriptor, &status) == -1) fail("cannot open", argv[2]);
  const unsigned char *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED) fail("cannot map", argv[2]);
  parser = checked(XML_ParserCreate("UTF-8"));
  memset(base64_values, -1, sizeof base64_values);
  for (int i = 0; i < 64; i++)
    base64_values[(unsigned char)"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[i]] = (signed char)i;

  /* Two readers: each keeps the state of the folder that it is in. */
  struct mscab_decompressor *outer = checked(mspack_create_cab_decompressor(&memory_system));
  struct mscab_decompressor *inner = checked(mspack_create_cab_decompressor(&memory_system));
  /* The largest buffer for packed bytes that the library takes. */
  outer->set_param(outer, MSCABD_PARAM_DECOMPBUF, 65536);
  inner->set_param(inner, MSCABD_PARAM_DECOMPBUF, 65536);

  struct mscabd_cabinet *cab = open_cab(outer, bytes, (size_t)status.st_size);
  for (struct mscabd_file *file = cab->files; file != NULL; file = file->next) {
    const size_t name_length = strlen(file->filename);
    counts.members++;
    if (name_length < 4 || strcmp(file->filename + name_length - 4, ".cab") != 0) continue;
    if (mode == PACKAGE && strcmp(file->filename, "package.cab") != 0) continue;
    if (file->length > collected_room) {
      free(collected);
      collected = checked(malloc(file->length));
      collected_room = file->length;
    }
    collected_length = 0;
    output = COLLECT;
    next_bytes = bytes;
    next_length = (size_t)status.st_size;
    extract(outer, file);
    counts.bytes -= collected_length;
    read_inner((enum mode)mode, inner, collected, collected_length);
  }
  if (mode == SELECTIVE || mode == FULL) join_catalogue();
  printf("{\"members\":%llu,\"bytes\":%llu,\"files\":%llu,\"elements\":%llu,\"attributes\":%llu,\"textBytes\":%llu,"
         "\"updates\":%llu,\"locations\":%llu",
         counts.members, counts.bytes, counts.files, counts.elements, counts.attributes, counts.text_bytes,
         counts.updates, counts.locations);
  if (mode == SELECTIVE || mode == FULL)
    printf(",\"payloadFiles\":%llu,\"sha256s\":%llu,\"references\":%llu,\"titles\":%llu,\"kbs\":%llu", counts.joined_files,
           counts.sha256s, counts.references, counts.titles, counts.kbs);
  printf("}\n");
  return 0;
}
