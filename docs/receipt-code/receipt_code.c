/* The receipt code that a scale prints, from its device number, epoch, counter and secret. C99, no library.
 *
 * Reads lines "secret-in-hexadecimal device epoch counter" and prints, for each, the code, the code in groups to read
 * aloud, and the URL for the QR symbol, separated by blanks:
 *
 *     cc -std=c99 -o receipt_code receipt_code.c && ./receipt_code HTTPS://FOOD.EXAMPLE.CN < lines
 */
#include <stdio.h>
#include "hmac_sha256.h"

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* One element of GF(32) times a, a root of x^5 + x^2 + 1. */
static unsigned times_a(unsigned element) { return (element << 1 ^ (element & 16 ? 0x25 : 0)) & 31; }

/* Writes the 23 characters of the code and a NUL: R, 13 of the receipt's number, 8 of its MAC, 1 check character.
 * Returns 0, or -1 where a number is out of its range. */
int receipt_code(const uint8_t secret[32], uint32_t device, uint32_t epoch, uint32_t counter, char code[24]) {
    uint64_t number = (uint64_t)device << 38 | (uint64_t)epoch << 30 | counter; /* 63 bits */
    uint8_t bytes[8], digest[32];
    uint64_t mac = 0;
    unsigned values[22], total = 0, weight = 1;
    if (device < 1 || device >= 1u << 25 || epoch >= 1u << 8 || counter >= 1u << 30) return -1;
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    hmac_sha256(secret, bytes, 8, digest);
    for (int i = 0; i < 5; i++) mac = mac << 8 | digest[i];
    values[0] = 24; /* R */
    for (int i = 0; i < 13; i++) values[1 + i] = (unsigned)(number >> (60 - 5 * i)) & 31;
    for (int i = 0; i < 8; i++) values[14 + i] = (unsigned)(mac >> (35 - 5 * i)) & 31;
    for (int i = 21; i >= 0; i--) { /* the sum over GF(32) of value * a^place, the last value being at place 1 */
        unsigned factor = weight = times_a(weight);
        for (int bit = 0; bit < 5; bit++, factor = times_a(factor))
            if (values[i] >> bit & 1) total ^= factor;
    }
    for (int i = 0; i < 22; i++) code[i] = alphabet[values[i]];
    code[22] = alphabet[total];
    code[23] = '\0';
    return 0;
}

int main(int count, char **words) {
    char hex[65], code[24];
    unsigned long device, epoch, counter;
    uint8_t secret[32];
    while (count == 2 && scanf("%64s %lu %lu %lu", hex, &device, &epoch, &counter) == 4) {
        for (int i = 0; i < 32; i++) {
            unsigned byte;
            if (sscanf(hex + 2 * i, "%2x", &byte) != 1) return 1;
            secret[i] = (uint8_t)byte;
        }
        if (receipt_code(secret, (uint32_t)device, (uint32_t)epoch, (uint32_t)counter, code)) return 1;
        printf("%s %.1s-%.4s-%.4s-%.4s-%.4s-%.5s-%.1s %s/C/%s\n", code, code, code + 1, code + 5, code + 9, code + 13,
               code + 17, code + 22, words[1], code);
    }
    return count == 2 ? 0 : 1;
}
